#include "capture/note.hpp"

namespace terminus::capture {

std::string_view text(NoteKind kind) {
    switch (kind) {
        case NoteKind::NotIp:
            return "not IP";
        case NoteKind::NotTcp:
            return "not TCP";
        case NoteKind::Encapsulated:
            return "IP in a tunnel";
        case NoteKind::Fragment:
            return "IP fragment";
        case NoteKind::Malformed:
            return "malformed IP or TCP header";
        case NoteKind::HeaderCut:
            return "headers cut by the snap length";
        case NoteKind::ImpossibleAddress:
            return "address that can't be answered";
        case NoteKind::Vlan:
            return "VLAN tag left out";
        case NoteKind::IpOptions:
            return "IP options or extension headers left out";
        case NoteKind::LengthGuessed:
            return "IP length of 0, taken from the frame";
        case NoteKind::TextCut:
            return "text cut by the snap length, filled";
        case NoteKind::ChecksumWrong:
            return "wrong checksum";
        case NoteKind::ChecksumUnfinished:
            return "unfinished checksum";
        case NoteKind::SynMissing:
            return "SYN not captured, made up";
        case NoteKind::SynAckMissing:
            return "SYN-ACK not captured, the server's first number derived";
        case NoteKind::ScaleGuessed:
            return "window scale guessed";
        case NoteKind::ClientGuessed:
            return "client's end guessed";
        case NoteKind::OptionDeclined:
            return "option that the recorded server declined left out of the SYN";
        case NoteKind::FastOpenCookie:
            return "Fast Open cookie of the recorded server left out";
        case NoteKind::SynText:
            return "text of the SYN sent behind the handshake";
        case NoteKind::SynAckOfClient:
            return "client's SYN-ACK (simultaneous open) played as an ACK";
        case NoteKind::RequestHole:
            return "client's bytes not captured, filled";
        case NoteKind::ResponseHole:
            return "server's bytes not captured, filled";
        case NoteKind::FinMissing:
            return "FIN not captured, made up";
        case NoteKind::EarlyAck:
            return "acknowledges what was sent before the capture, acknowledges nothing";
        case NoteKind::NumberImpossible:
            return "number beyond all that was sent, not followed";
        case NoteKind::EndMissing:
            return "the capture ends before the connection";
    }
    return "";
}

std::string_view text(DivergenceKind kind) {
    switch (kind) {
        case DivergenceKind::AcknowledgesUnsent:
            return "acknowledges what had not been sent";
        case DivergenceKind::NoSynAck:
            return "no SYN-ACK to map it by, not played";
        case DivergenceKind::BeyondWindow:
            return "text beyond the window";
        case DivergenceKind::AckInserted:
            return "ACK inserted before it";
        case DivergenceKind::HandshakeAckMadeUp:
            return "ACK of a handshake made up after it";
        case DivergenceKind::RetransmissionUnseen:
            return "retransmission before it not seen";
        case DivergenceKind::OptionDeclined:
            return "option declined, left out from here on";
        case DivergenceKind::ResetByTerminus:
            return "connection reset before it";
        case DivergenceKind::NotPlayed:
            return "not played";
    }
    return "";
}

std::string packet_list(const std::vector<std::uint64_t>& packets) {
    std::string list;
    for (std::size_t i = 0; i < packets.size();) {
        std::size_t last = i;
        while (last + 1 < packets.size() && packets[last + 1] - packets[last] <= 1)
            ++last;
        list += (list.empty() ? "" : ", ") + std::to_string(packets[i]);
        if (packets[last] != packets[i]) list += '-' + std::to_string(packets[last]);
        i = last + 1;
    }
    return list;
}

}  // namespace terminus::capture
