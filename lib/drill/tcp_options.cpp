#include "drill/tcp_options.hpp"

#include <string_view>

namespace terminus::drill {
namespace {

using Kind = OptionSpec::Kind;

// IANA's kinds (RFC 9293 3.2, 7323, 2018, 7413) and the magic of the experimental Fast Open (RFC 7413
// appendix A, RFC 6994).
constexpr std::uint8_t kEol = 0, kNop = 1, kMss = 2, kWscale = 3, kSackOk = 4, kSack = 5, kTimestamps = 8,
                       kFastOpen = 34, kExperiment = 254;
constexpr std::uint8_t kMagicHigh = 0xf9, kMagicLow = 0x89;

void put_be32(std::vector<std::uint8_t>& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// Kind, length, data.
void put(std::vector<std::uint8_t>& out, std::uint8_t kind, const std::vector<std::uint8_t>& data) {
    out.push_back(kind);
    out.push_back(static_cast<std::uint8_t>(data.size() + 2));
    out.insert(out.end(), data.begin(), data.end());
}

void encode(const OptionSpec& option, std::vector<std::uint8_t>& out) {
    std::vector<std::uint8_t> data;
    switch (option.kind) {
        case Kind::Nop:
            return out.push_back(kNop);
        case Kind::Eol:
            return out.push_back(kEol);
        case Kind::Mss:
            data = {static_cast<std::uint8_t>(option.value >> 8), static_cast<std::uint8_t>(option.value)};
            return put(out, kMss, data);
        case Kind::Wscale:
            return put(out, kWscale, {static_cast<std::uint8_t>(option.value)});
        case Kind::SackOk:
            return put(out, kSackOk, {});
        case Kind::Sack:
            for (const auto& [left, right] : option.blocks) {
                put_be32(data, left);
                put_be32(data, right);
            }
            return put(out, kSack, data);
        case Kind::Timestamps:
            put_be32(data, option.value);
            put_be32(data, option.echo);
            return put(out, kTimestamps, data);
        case Kind::FastOpen:
            return put(out, kFastOpen, option.bytes);
        case Kind::FastOpenExp:
            data = {kMagicHigh, kMagicLow};
            data.insert(data.end(), option.bytes.begin(), option.bytes.end());
            return put(out, kExperiment, data);
        case Kind::Raw:
            return put(out, static_cast<std::uint8_t>(option.value), option.bytes);
    }
}

OptionSpec decode(std::uint8_t kind, base::Bytes data) {
    OptionSpec option;
    if (kind == kMss && data.size() == 2) {
        option.kind = Kind::Mss;
        option.value = base::load_be16(data.data());
    } else if (kind == kWscale && data.size() == 1) {
        option.kind = Kind::Wscale;
        option.value = data[0];
    } else if (kind == kSackOk && data.empty()) {
        option.kind = Kind::SackOk;
    } else if (kind == kSack && !data.empty() && data.size() % 8 == 0) {
        option.kind = Kind::Sack;
        for (std::size_t at = 0; at < data.size(); at += 8)
            option.blocks.emplace_back(base::load_be32(&data[at]), base::load_be32(&data[at + 4]));
    } else if (kind == kTimestamps && data.size() == 8) {
        option.kind = Kind::Timestamps;
        option.value = base::load_be32(data.data());
        option.echo = base::load_be32(&data[4]);
    } else if (kind == kFastOpen) {
        option.kind = Kind::FastOpen;
        option.bytes.assign(data.begin(), data.end());
    } else if (kind == kExperiment && data.size() >= 2 && data[0] == kMagicHigh && data[1] == kMagicLow) {
        option.kind = Kind::FastOpenExp;
        option.bytes.assign(data.begin() + 2, data.end());
    } else {
        option.kind = Kind::Raw;
        option.value = kind;
        option.bytes.assign(data.begin(), data.end());
    }
    return option;
}

std::string hex(const std::vector<std::uint8_t>& bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

std::string name(const OptionSpec& option) {
    std::string text;
    switch (option.kind) {
        case Kind::Nop:
            return "nop";
        case Kind::Eol:
            return "eol";
        case Kind::Mss:
            return "mss " + std::to_string(option.value);
        case Kind::Wscale:
            return "wscale " + std::to_string(option.value);
        case Kind::SackOk:
            return "sackOK";
        case Kind::Sack:
            text = "sack";
            for (const auto& [left, right] : option.blocks)
                text += ' ' + std::to_string(left) + ':' + std::to_string(right);
            return text;
        case Kind::Timestamps:
            return "TS val " + std::to_string(option.value) + " ecr " + std::to_string(option.echo);
        case Kind::FastOpen:
            return option.bytes.empty() ? "FO" : "FO " + hex(option.bytes);
        case Kind::FastOpenExp:
            return option.bytes.empty() ? "FOEXP" : "FOEXP " + hex(option.bytes);
        case Kind::Raw:
            break;
    }
    return "kind " + std::to_string(option.value) + " 0x" + hex(option.bytes);
}

}  // namespace

std::vector<std::uint8_t> encode_options(const std::vector<OptionSpec>& options) {
    std::vector<std::uint8_t> out;
    for (const OptionSpec& option : options)
        encode(option, out);
    return out;
}

std::optional<std::vector<OptionSpec>> decode_options(base::Bytes options) {
    std::vector<OptionSpec> list;
    for (std::size_t at = 0; at < options.size();) {
        const std::uint8_t kind = options[at];
        if (kind == kNop || kind == kEol) {
            list.emplace_back().kind = kind == kNop ? Kind::Nop : Kind::Eol;
            ++at;
            continue;
        }
        if (at + 1 >= options.size()) return std::nullopt;
        const std::size_t length = options[at + 1];
        if (length < 2 || at + length > options.size()) return std::nullopt;
        list.push_back(decode(kind, options.subspan(at + 2, length - 2)));
        at += length;
    }
    return list;
}

std::string to_string(const std::vector<OptionSpec>& options) {
    std::string text;
    for (const OptionSpec& option : options)
        text += (text.empty() ? "" : ",") + name(option);
    return text;
}

}  // namespace terminus::drill
