#pragma once

#include "drill/ast.hpp"
#include "drill/token_stream.hpp"

/// The parser's parts; each file does one kind of event. All return false when `tokens` has a fault.
namespace terminus::drill {

/// From the direction on: "< S 0:0(0) win 1000 <mss 1460>".
bool parse_packet(TokenStream& tokens, PacketEvent& packet);

/// After the packet's other fields: nothing, "<mss 1000,nop>" or "<...>".
bool parse_tcp_options(TokenStream& tokens, TcpSpec& packet);

/// SEQ:END(LENGTH), as numbers that fit together.
bool parse_sequence(TokenStream& tokens, SequenceSpec& sequence);

/// From an ellipsis or the name on: "read(3, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)".
bool parse_syscall(TokenStream& tokens, SyscallEvent& call);

bool parse_expression(TokenStream& tokens, Expression& expression);

/// Seconds, whole or with a point.
bool parse_time(TokenStream& tokens, base::Duration& time);

}  // namespace terminus::drill
