#include "drill/icmp_names.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "wire/icmp.hpp"

namespace terminus::drill {
namespace {

struct TypeName {
    std::string_view name;
    std::uint8_t type;
};
struct CodeName {
    std::string_view name;
    std::uint8_t type;
    std::uint8_t code;
};

// IANA's ICMP parameters.
constexpr TypeName kTypesV4[] = {{"unreachable", wire::kIcmpUnreachable},
                                 {"source_quench", wire::kIcmpSourceQuench},
                                 {"redirect", wire::kIcmpRedirect},
                                 {"time_exceeded", wire::kIcmpTimeExceeded},
                                 {"parameter_problem", wire::kIcmpParameterProblem}};
constexpr TypeName kTypesV6[] = {{"unreachable", wire::kIcmpv6Unreachable},
                                 {"packet_too_big", wire::kIcmpv6TooBig},
                                 {"time_exceeded", wire::kIcmpv6TimeExceeded},
                                 {"parameter_problem", wire::kIcmpv6ParameterProblem}};
constexpr CodeName kCodesV4[] = {{"net_unreachable", 3, 0},
                                 {"host_unreachable", 3, 1},
                                 {"protocol_unreachable", 3, 2},
                                 {"port_unreachable", 3, 3},
                                 {"frag_needed", 3, 4},
                                 {"source_route_failed", 3, 5},
                                 {"net_unknown", 3, 6},
                                 {"host_unknown", 3, 7},
                                 {"source_host_isolated", 3, 8},
                                 {"net_prohibited", 3, 9},
                                 {"host_prohibited", 3, 10},
                                 {"net_unreachable_for_tos", 3, 11},
                                 {"host_unreachable_for_tos", 3, 12},
                                 {"packet_filtered", 3, 13},
                                 {"precedence_violation", 3, 14},
                                 {"precedence_cutoff", 3, 15}};
constexpr CodeName kCodesV6[] = {{"no_route", 1, 0},
                                 {"admin_prohibited", 1, 1},
                                 {"not_neighbour", 1, 2},
                                 {"address_unreachable", 1, 3},
                                 {"port_unreachable", 1, 4},
                                 {"exceeded_hop_limit", 3, 0},
                                 {"exceeded_frag_time", 3, 1},
                                 {"header_field", 4, 0},
                                 {"unknown_next_header", 4, 1},
                                 {"unknown_option", 4, 2}};

template <typename Types, typename Codes>
std::optional<IcmpNumbers> find(const Types& types, const Codes& codes, std::string_view type,
                                std::string_view code) {
    const auto* found = std::find_if(std::begin(types), std::end(types),
                                     [&](const TypeName& candidate) { return candidate.name == type; });
    if (found == std::end(types)) return std::nullopt;
    if (code.empty()) return IcmpNumbers{found->type, 0};
    const auto* exact = std::find_if(std::begin(codes), std::end(codes), [&](const CodeName& candidate) {
        return candidate.type == found->type && candidate.name == code;
    });
    if (exact == std::end(codes)) return std::nullopt;
    return IcmpNumbers{found->type, exact->code};
}

}  // namespace

std::optional<IcmpNumbers> icmp_numbers(bool is_v6, std::string_view type, std::string_view code) {
    return is_v6 ? find(kTypesV6, kCodesV6, type, code) : find(kTypesV4, kCodesV4, type, code);
}

}  // namespace terminus::drill
