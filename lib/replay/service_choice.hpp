#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "wire/address.hpp"

namespace terminus::replay {

/// What a service listens on.
struct ServiceEndpoint {
    std::string service;
    wire::Endpoint listens;
};

/// Which service takes a recorded server's place, and why it and no other.
struct ServiceChoice {
    enum class By : std::uint8_t {
        Endpoint,   ///< it listens on the very address and port
        Port,       ///< it alone, of the server's family, listens on the port
        OnlyOne,    ///< it is the only one of the family
        None,       ///< no service has the port, and there are several or none of the family
        Ambiguous,  ///< several have the port
    };
    By by = By::None;
    std::optional<ServiceEndpoint> service;
};

[[nodiscard]] ServiceChoice choose_service(const wire::Endpoint& recorded,
                                           std::span<const ServiceEndpoint> services);

}  // namespace terminus::replay
