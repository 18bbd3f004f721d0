#include "replay/service_choice.hpp"

namespace terminus::replay {
namespace {

/// Of the endpoints that `fits`, the first, if all are one service's.
struct Fitting {
    const ServiceEndpoint* first = nullptr;
    bool are_several = false;
};

template <typename Fits>
Fitting fitting(std::span<const ServiceEndpoint> services, Fits&& fits) {
    Fitting found;
    for (const ServiceEndpoint& one : services) {
        if (!fits(one)) continue;
        if (found.first == nullptr) found.first = &one;
        found.are_several |= one.service != found.first->service;
    }
    return found;
}

}  // namespace

ServiceChoice choose_service(const wire::Endpoint& recorded, std::span<const ServiceEndpoint> services) {
    using By = ServiceChoice::By;
    const auto is_family = [&](const ServiceEndpoint& one) {
        return one.listens.address.is_v4() == recorded.address.is_v4();
    };
    const Fitting same =
        fitting(services, [&](const ServiceEndpoint& one) { return one.listens == recorded; });
    if (same.first != nullptr) return {By::Endpoint, *same.first};
    const Fitting port = fitting(services, [&](const ServiceEndpoint& one) {
        return is_family(one) && one.listens.port == recorded.port;
    });
    if (port.are_several) return {By::Ambiguous, std::nullopt};
    if (port.first != nullptr) return {By::Port, *port.first};
    const Fitting family = fitting(services, is_family);
    if (family.first != nullptr && !family.are_several) return {By::OnlyOne, *family.first};
    return {By::None, std::nullopt};
}

}  // namespace terminus::replay
