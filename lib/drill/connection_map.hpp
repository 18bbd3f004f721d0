#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "drill/ast.hpp"
#include "drill/wire_packet.hpp"
#include "wire/address.hpp"

namespace terminus::drill {

/// A connection as a script sees it: what its numbers are on the wire. Sequence numbers of a script count
/// from the initial one, except in a segment with SYN, where they stand as they are.
///
///     script   0 (SYN)    1          1001        own segment without SYN: wire = own ISN + script
///     wire     isn        isn + 1    isn + 1001
class ConnectionMap {
 public:
    /// `tuple.local` is the machine's; port 0 until its SYN has been seen.
    explicit ConnectionMap(const wire::FourTuple& tuple) : tuple_(tuple) {}

    [[nodiscard]] const wire::FourTuple& tuple() const { return tuple_; }
    void set_local(const wire::Endpoint& local) { tuple_.local = local; }
    [[nodiscard]] bool has_sent_syn() const { return local_isn_.has_value(); }

    /// Numbers of a segment of the script, to be sent to the machine, become the wire's. Echoed timestamps
    /// become those that the machine sent where the script has their value: false when the machine sent none
    /// that the script calls so.
    [[nodiscard]] bool to_wire(WirePacket& packet);
    /// Timestamps of which the script says that they weren't seen count from the first one that was
    /// (--tcp_ts_ecr_scaled).
    void set_scaled_echo(bool is_scaled) { is_scaled_echo_ = is_scaled; }

    /// Of a sequence number that an ICMP message quotes.
    [[nodiscard]] std::uint32_t quoted_to_wire(std::uint32_t seq) const {
        return seq + local_isn_.value_or(0);
    }

    /// Learns from a segment that the machine sent and the script expected as `expected`: initial sequence
    /// numbers, the names of timestamps.
    void learn(const WirePacket& sent, const TcpSpec& expected);
    /// A segment of the machine's with the script's numbers. Timestamps count from the first that had a name.
    void to_script(WirePacket& packet) const;

    /// Of descriptors, for code and states; nothing while no system call gave one.
    std::optional<int> fd;
    /// Of its bytes: Calls::streams_of(). It outlives the descriptor.
    std::optional<std::size_t> streams;
    /// The script's names of flow labels (IPv6), and which labels they stand for.
    std::map<std::uint32_t, std::uint32_t> flow_labels;

 private:
    [[nodiscard]] std::uint32_t local_offset(bool is_syn) const;
    [[nodiscard]] std::uint32_t remote_offset(bool is_syn) const { return is_syn ? 0 : remote_isn_; }
    static void shift_sack(WirePacket& packet, std::uint32_t offset);
    [[nodiscard]] std::optional<std::uint32_t> wire_timestamp(std::uint32_t script) const;

    wire::FourTuple tuple_;
    std::optional<std::uint32_t> local_isn_;             ///< on the wire
    std::uint32_t script_local_isn_ = 0;                 ///< as the script's SYN has it
    std::uint32_t remote_isn_ = 0;                       ///< the same in the script and on the wire
    std::optional<std::uint32_t> offered_isn_;           ///< of a SYN that may begin the connection anew
    std::map<std::uint32_t, std::uint32_t> timestamps_;  ///< the machine's, by the script's names for them
    std::optional<std::pair<std::uint32_t, std::uint32_t>> first_timestamp_;  ///< script's, wire's
    bool is_scaled_echo_ = false;
};

}  // namespace terminus::drill
