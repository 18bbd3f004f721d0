#include "tcp/out_segment.hpp"

namespace terminus::tcp {

// RFC 9293 3.10.7.1: with an ACK the RST takes its number from there and is believed at once; without one it
// is numbered zero and acknowledges everything the segment occupied. Nothing ever answers a RST.
std::optional<OutSegment> reset_for(const wire::TcpSegment& segment) {
    if (segment.flags.rst()) return std::nullopt;
    OutSegment reset;
    if (segment.flags.ack()) {
        reset.seq = segment.ack;
        reset.flags = {wire::TcpFlags::kRst};
        return reset;
    }
    reset.ack = segment.seq + segment.seg_len();
    reset.flags = {wire::TcpFlags::kRst | wire::TcpFlags::kAck};
    return reset;
}

}  // namespace terminus::tcp
