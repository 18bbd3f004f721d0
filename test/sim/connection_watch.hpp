#pragma once

#include <functional>
#include <string>

#include "base/time.hpp"
#include "tcp/connection.hpp"
#include "wire/seq.hpp"

namespace terminus::simulation {

/// What only moves forward in a connection.
struct ConnectionMarks {
    bool is_set = false;
    wire::SeqNum una;
    wire::SeqNum nxt;
    wire::SeqNum received;
    wire::SeqNum acked;
    wire::SeqNum advertised;
};

/// What a stack looks like between two turns.
struct Watched {
    const tcp::Environment& env;
    bool has_work;
    base::Instant next_deadline;
};

/// What must be true of a connection between any two turns, whatever its peer does; `fail` gets what is not.
void check_connection(const tcp::Connection& connection, const Watched& watched, ConnectionMarks& marks,
                      const std::function<void(const std::string&)>& fail);

}  // namespace terminus::simulation
