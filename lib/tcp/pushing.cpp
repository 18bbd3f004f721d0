#include "tcp/connection.hpp"

// What goes out before a segment is full, and what waits (RFC 9293 3.7.4, 3.8.6.2.1; Linux's
// tcp_nagle_test()).
namespace terminus::tcp {

/// Whether a segment that ends at `end`, and isn't full, waits for what comes behind it.
bool Connection::waits_for_more(wire::SeqNum end, const Environment& env) const {
    if (fin_queued_ || end == marks_.unchecked) return false;
    if (marks_.corked || marks_.more) return true;
    // RFC 9293 3.7.4, SHLD-7, MUST-17: Nagle's algorithm in Minshall's variant, as in Linux: a small segment
    // waits for the acknowledgement of a small one only, so that the tail of a large write isn't held up by
    // its own full segments.
    return !env.tunables.nodelay && snd_.flight() > 0 && marks_.is_small_one_out(snd_.una, snd_.nxt);
}

void Connection::set_corked(bool corked, const Environment& env) {
    if (marks_.corked == corked) return;
    marks_.corked = corked;
    if (!corked && env.tunables.nodelay) return push_queued(env);
    update_persist(env);
}

void Connection::push_queued(const Environment& env) {
    marks_.more = false;
    marks_.unchecked = queue_end();
    update_persist(env);
}

bool Connection::expects_more() const {
    return reassembly_.empty() && !fin_received_ && rcv_.nxt.after(rcv_.pushed);
}

}  // namespace terminus::tcp
