#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "control/admin_server.hpp"
#include "control/mailroom.hpp"
#include "control/service_directory.hpp"

namespace terminus::control {

/// Which connections `ss` shows.
struct ListingFilter {
    tcp::StateMask states = 0;
    std::optional<stats::Leg> leg;
    std::string service;  ///< empty: all

    [[nodiscard]] bool wants(const worker::ConnectionRow& row, const std::string& service_name) const;
};

/// The states of one of ss's filter words: "established", "time-wait", …, "all", "connected", "synchronized",
/// "bucket", "big". The error lists them.
[[nodiscard]] base::Result<tcp::StateMask, std::string> states_of(const std::string& word);

/// One connection as a line of JSON. `leg`, `state` and `timer` are the words of Linux's ss; durations are in
/// milliseconds.
[[nodiscard]] std::string row_line(const worker::ConnectionRow& row, std::uint32_t worker,
                                   const std::string& service_name);

/// All workers' connections, a page of one worker at a time: the next page is asked for when the client has
/// taken the one before, so a listing of any length holds one page. Listeners come first.
class ConnectionListing : public Answer {
 public:
    /// Everything referred to outlives the answers.
    ConnectionListing(Mailroom& mailroom, const ServiceDirectory& directory,
                      const proxy::ServiceTable& services, ListingFilter filter);

    void next(Deliver deliver) override;

 private:
    [[nodiscard]] std::string listeners(const proxy::ServiceTable& services) const;
    void listed(worker::Reply&& reply, const Deliver& deliver);

    Mailroom& mailroom_;
    const ServiceDirectory& directory_;
    ListingFilter filter_;
    std::string pending_;  // lines that are ready before any page
    std::uint32_t worker_ = 0;
    std::uint64_t cursor_ = 0;
};

}  // namespace terminus::control
