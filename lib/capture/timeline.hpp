#pragma once

#include "base/time.hpp"

namespace terminus::capture {

/// How recorded and virtual time belong together: `recorded` (since 1970) is the instant `starts`.
struct Timeline {
    base::Duration recorded{};
    base::Instant starts{};

    [[nodiscard]] base::Instant virtual_time(base::Duration stamp) const {
        return starts + (stamp - recorded);
    }
    [[nodiscard]] base::Duration stamp(base::Instant now) const { return recorded + (now - starts); }
};

}  // namespace terminus::capture
