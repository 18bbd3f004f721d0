#include <algorithm>

#include "wire/tcp.hpp"

namespace terminus::wire {

namespace {

// RFC 9293 3.1, RFC 7323, RFC 2018, RFC 7413: kinds, and the only length each may have.
constexpr std::uint8_t kEnd = 0, kNop = 1, kMss = 2, kWindowScale = 3, kSackPermitted = 4, kSack = 5,
                       kTimestamps = 8, kFastOpen = 34, kExperiment = 254;
// RFC 6994: how Fast Open tells its experiment from others'.
constexpr std::uint8_t kFastOpenMagic[] = {0xf9, 0x89};
constexpr std::size_t kMssLength = 4, kWindowScaleLength = 3, kSackPermittedLength = 2,
                      kTimestampsLength = 10;
constexpr std::size_t kSackBlockLength = 8;

void parse_sack(base::Bytes value, TcpOptions& options) {
    if (options.sack_count > 0) return;  // the first option counts
    if (value.empty() || value.size() % kSackBlockLength != 0) return;
    const std::size_t count = std::min(value.size() / kSackBlockLength, TcpOptions::kSackBlocksMax);
    for (std::size_t i = 0; i < count; ++i) {
        options.sack[i] = {SeqNum(base::load_be32(&value[kSackBlockLength * i])),
                           SeqNum(base::load_be32(&value[kSackBlockLength * i + 4]))};
    }
    options.sack_count = static_cast<std::uint8_t>(count);
}

// RFC 7413 4.1.1: a length that is none of those is an option that isn't there.
void parse_fast_open(base::Bytes value, bool is_experimental, TcpOptions& options) {
    if (options.fast_open || value.size() > FastOpenCookie::kLengthMax || value.size() % 2 != 0) return;
    if (!value.empty() && value.size() < FastOpenCookie::kLengthMin) return;
    FastOpenCookie cookie;
    cookie.length = static_cast<std::uint8_t>(value.size());
    cookie.is_experimental = is_experimental;
    std::copy(value.begin(), value.end(), cookie.bytes.begin());
    options.fast_open = cookie;
}

// `option` is the whole option, kind and length included. One with a length that is wrong for its kind is
// left out, and so is one that was there before: an attacker gains nothing by appending a second one.
void parse_one(base::Bytes option, TcpOptions& options) {
    switch (option[0]) {
        case kMss:
            if (option.size() == kMssLength && !options.mss) options.mss = base::load_be16(&option[2]);
            break;
        case kWindowScale:
            if (option.size() == kWindowScaleLength && !options.window_scale)
                options.window_scale = option[2];
            break;
        case kSackPermitted:
            if (option.size() == kSackPermittedLength) options.sack_permitted = true;
            break;
        case kSack:
            parse_sack(option.subspan(2), options);
            break;
        case kTimestamps:
            if (option.size() == kTimestampsLength && !options.timestamps) {
                options.timestamps = TcpTimestamps{base::load_be32(&option[2]), base::load_be32(&option[6])};
            }
            break;
        case kFastOpen:
            parse_fast_open(option.subspan(2), false, options);
            break;
        case kExperiment:
            if (option.size() >= 4 && option[2] == kFastOpenMagic[0] && option[3] == kFastOpenMagic[1])
                parse_fast_open(option.subspan(4), true, options);
            break;
        default:  // RFC 9293 MUST-6: an unknown option is skipped by its length
            break;
    }
}

std::size_t fast_open_length(const FastOpenCookie& cookie) {
    return (cookie.is_experimental ? 4u : 2u) + cookie.length;
}

std::size_t fixed_length(const TcpOptions& options) {
    std::size_t length = 0;
    if (options.mss) length += 4;
    if (options.timestamps) {
        length += 12;  // SACK-permitted takes the place of its two NOPs
    } else if (options.sack_permitted) {
        length += 4;
    }
    if (options.window_scale) length += 4;
    if (options.fast_open) length += (fast_open_length(*options.fast_open) + 3) / 4 * 4;
    return length;
}

std::size_t sack_blocks_that_fit(const TcpOptions& options) {
    if (options.sack_count == 0) return 0;
    const std::size_t room = kTcpOptionsMax - fixed_length(options);
    if (room < 4 + kSackBlockLength) return 0;  // a SYN with everything, which reports nothing anyway
    return std::min<std::size_t>(options.sack_count, (room - 4) / kSackBlockLength);
}

// Appends to a span whose size tcp_options_length() has given.
class Writer {
 public:
    explicit Writer(base::MutableBytes out) : out_(out) {}

    void u8(std::size_t value) { out_[at_++] = static_cast<std::uint8_t>(value); }
    void u16(std::uint16_t value) {
        base::store_be16(&out_[at_], value);
        at_ += 2;
    }
    void u32(std::uint32_t value) {
        base::store_be32(&out_[at_], value);
        at_ += 4;
    }
    void kind(std::uint8_t kind, std::size_t length) {  // RFC 9293 3.1, MUST-68: none without its length
        u8(kind);
        u8(length);
    }
    void pad() {
        while (at_ < out_.size())
            u8(kEnd);  // RFC 9293 MUST-69: what is left of the header is zero
    }

 private:
    base::MutableBytes out_;
    std::size_t at_ = 0;
};

void write_sack_permitted_and_timestamps(const TcpOptions& options, Writer& writer) {
    if (!options.sack_permitted && !options.timestamps) return;
    if (!options.sack_permitted || !options.timestamps) {
        writer.u8(kNop);
        writer.u8(kNop);
    }
    if (options.sack_permitted) writer.kind(kSackPermitted, kSackPermittedLength);
    if (options.timestamps) {
        writer.kind(kTimestamps, kTimestampsLength);
        writer.u32(options.timestamps->value);
        writer.u32(options.timestamps->echo_reply);
    }
}

}  // namespace

// RFC 9293 3.1 and 3.2, MUST-4, MUST-64: each option where it begins, aligned or not.
TcpOptions parse_tcp_options(base::Bytes bytes) {
    TcpOptions options;
    if (bytes.size() > kTcpOptionsMax) bytes = bytes.first(kTcpOptionsMax);
    // Every round takes at least one byte, so 40 rounds are the most.
    while (!bytes.empty()) {
        if (bytes[0] == kEnd) break;
        if (bytes[0] == kNop) {
            bytes = bytes.subspan(1);
            continue;
        }
        if (bytes.size() < 2) break;
        const std::size_t length = bytes[1];
        // RFC 9293 MUST-7: a length that can't be true ends the list, since nobody knows where the next one
        // begins.
        if (length < 2 || length > bytes.size()) break;
        parse_one(bytes.first(length), options);
        bytes = bytes.subspan(length);
    }
    return options;
}

std::size_t tcp_options_length(const TcpOptions& options) {
    if (has_timestamps_alone(options)) return kTimestampsAloneLength;
    const std::size_t blocks = sack_blocks_that_fit(options);
    return fixed_length(options) + (blocks > 0 ? 4 + kSackBlockLength * blocks : 0);
}

void write_tcp_options(const TcpOptions& options, base::MutableBytes out) {
    TERMINUS_ASSERT(out.size() >= tcp_options_length(options),
                    "callers sized the span by tcp_options_length()");
    if (has_timestamps_alone(options)) {
        base::store_be32(&out[0], kTimestampsAlone);
        base::store_be32(&out[4], options.timestamps->value);
        base::store_be32(&out[8], options.timestamps->echo_reply);
        return;
    }
    Writer writer(out.first(tcp_options_length(options)));
    if (options.mss) {
        writer.kind(kMss, kMssLength);
        writer.u16(*options.mss);
    }
    write_sack_permitted_and_timestamps(options, writer);
    if (options.window_scale) {
        writer.u8(kNop);
        writer.kind(kWindowScale, kWindowScaleLength);
        writer.u8(*options.window_scale);
    }
    if (options.fast_open) {
        const std::size_t length = fast_open_length(*options.fast_open);
        writer.kind(options.fast_open->is_experimental ? kExperiment : kFastOpen, length);
        if (options.fast_open->is_experimental) {
            writer.u8(kFastOpenMagic[0]);
            writer.u8(kFastOpenMagic[1]);
        }
        for (std::size_t i = 0; i < options.fast_open->length; ++i)
            writer.u8(options.fast_open->bytes[i]);
        if (length % 4 != 0) {
            writer.u8(kNop);
            writer.u8(kNop);
        }
    }
    if (const std::size_t blocks = sack_blocks_that_fit(options); blocks > 0) {
        writer.u8(kNop);
        writer.u8(kNop);
        writer.kind(kSack, 2 + kSackBlockLength * blocks);
        for (std::size_t i = 0; i < blocks; ++i) {
            writer.u32(options.sack[i].left.value());
            writer.u32(options.sack[i].right.value());
        }
    }
    writer.pad();
}

}  // namespace terminus::wire
