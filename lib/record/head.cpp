#include "record/head.hpp"

#include <cstring>
#include <string_view>
#include <type_traits>

namespace terminus::record {
namespace {

/// One list of a struct's fields serves both ways: `Encoder` and `Decoder` have the same functions.
class Encoder {
 public:
    template <typename T>
    requires std::is_integral_v<T>
    void field(const T& value) {
        const base::Bytes bytes = bytes_of(value);
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }
    void field(const bool& value) { field(std::uint8_t{value}); }
    template <std::size_t N>
    void field(const std::array<std::uint8_t, N>& value) {
        out_.insert(out_.end(), value.begin(), value.end());
    }
    template <typename Sequence>
    void sequence(const Sequence& value) {
        field(static_cast<std::uint32_t>(value.size()));
        for (const auto& element : value)
            field(element);
    }
    template <typename T, typename Each>
    void all(const std::vector<T>& value, Each&& each) {
        field(static_cast<std::uint32_t>(value.size()));
        for (const T& element : value)
            each(*this, element);
    }
    [[nodiscard]] std::vector<std::uint8_t> take() { return std::move(out_); }

 private:
    std::vector<std::uint8_t> out_;
};

class Decoder {
 public:
    explicit Decoder(base::Bytes bytes) : rest_(bytes), size_(bytes.size()) {}
    template <typename T>
    requires std::is_integral_v<T>
    void field(T& value) {
        if (has(sizeof value)) std::memcpy(&value, take(sizeof value).data(), sizeof value);
    }
    void field(bool& value) {
        std::uint8_t byte = 0;
        field(byte);
        if (byte > 1) is_good_ = false;
        value = byte == 1;
    }
    template <std::size_t N>
    void field(std::array<std::uint8_t, N>& value) {
        if (has(N)) std::memcpy(value.data(), take(N).data(), N);
    }
    template <typename Sequence>
    void sequence(Sequence& value) {
        using Element = typename Sequence::value_type;
        std::uint32_t count = 0;
        field(count);
        if (!has(std::uint64_t{count} * sizeof(Element))) return;
        value.resize(count);
        const base::Bytes bytes = take(count * sizeof(Element));
        if (count > 0) std::memcpy(value.data(), bytes.data(), bytes.size());
    }
    template <typename T, typename Each>
    void all(std::vector<T>& value, Each&& each) {
        std::uint32_t count = 0;
        field(count);
        while (is_good_ && value.size() < count)
            each(*this, value.emplace_back());
    }
    /// All was there, and nothing is left.
    [[nodiscard]] bool is_whole() const { return is_good_ && rest_.empty(); }
    [[nodiscard]] std::size_t offset() const { return size_ - rest_.size(); }

 private:
    bool has(std::uint64_t bytes) {
        if (bytes > rest_.size()) is_good_ = false;
        return is_good_;
    }
    base::Bytes take(std::size_t bytes) {
        const base::Bytes front = rest_.first(bytes);
        rest_ = rest_.subspan(bytes);
        return front;
    }

    base::Bytes rest_;
    std::size_t size_;
    bool is_good_ = true;
};

template <typename Coder, typename Facts>
void code_port(Coder& coder, Facts& port) {
    coder.sequence(port.name);
    coder.field(port.mac.bytes);
    coder.field(port.mtu);
    coder.field(port.tx_segments_max);
    coder.field(port.tso_segments_max);
    coder.field(port.tx_ipv4_checksum);
    coder.field(port.tx_tcp_checksum);
    coder.field(port.tx_multi_segment);
    coder.field(port.tx_indirect_buffers);
    coder.field(port.keeps_pointer);
    coder.field(port.rx_checksum);
    coder.sequence(port.rss_key);
    coder.sequence(port.rss_queues);
}

template <typename Coder, typename Any>
void code_head(Coder& coder, Any& head) {
    coder.sequence(head.version);
    coder.field(head.began);
    coder.field(head.clock_zero);
    coder.field(head.workers);
    coder.field(head.payload_buffers);
    coder.field(head.free_min);
    coder.field(head.seed);
    for (auto& key : head.keys)
        coder.field(key);
    coder.all(head.ports, [](Coder& each, auto& port) { code_port(each, port); });
    coder.sequence(head.config_path);
    coder.sequence(head.config);
}

template <typename Coder, typename Any>
void code_revision(Coder& coder, Any& revision) {
    coder.sequence(revision.tunable);
    coder.sequence(revision.text);
}

template <typename Coder, typename Any>
void code_past(Coder& coder, Any& past) {
    coder.field(past.began);
    coder.sequence(past.config);
    coder.all(past.tunables, [](Coder& each, auto& tunable) { code_revision(each, tunable); });
    coder.field(past.revision_count);
    coder.field(past.directory.version);
    for (auto* names : {&past.directory.services, &past.directory.pools, &past.directory.backends,
                        &past.directory.local_addresses})
        coder.all(*names, [](Coder& each, auto& name) { each.sequence(name); });
    coder.all(past.directory.profiles, [](Coder& each, auto& profile) {
        each.field(profile.congestion_control);
        each.field(profile.traffic_class);
        each.field(profile.auto_flowlabels);
    });
}

/// What `code` reads out of all of `bytes`, which begin at `from`; the fault says `otherwise`.
template <typename Any, typename Code>
base::Result<Any, Fault> decode(base::Bytes bytes, std::size_t from, const char* otherwise, Code&& code) {
    Decoder decoder(bytes);
    Any any;
    code(decoder, any);
    if (!decoder.is_whole()) return base::Failure{Fault{from + decoder.offset(), otherwise}};
    return any;
}

}  // namespace

std::vector<std::uint8_t> encode(const Head& head) {
    Encoder encoder;
    code_head(encoder, head);
    return encoder.take();
}

std::vector<std::uint8_t> encode(const Revision& revision) {
    Encoder encoder;
    code_revision(encoder, revision);
    return encoder.take();
}

std::vector<std::uint8_t> encode(const Past& past) {
    Encoder encoder;
    code_past(encoder, past);
    return encoder.take();
}

base::Result<Head, Fault> decode_head(base::Bytes bytes, std::size_t from) {
    auto head = decode<Head>(bytes, from, "the head is not one",
                             [](Decoder& decoder, Head& any) { code_head(decoder, any); });
    if (head && (head.value().workers == 0 || head.value().ports.empty()))
        return base::Failure{Fault{from, "the head has no worker or no port"}};
    return head;
}

base::Result<Revision, Fault> decode_revision(base::Bytes bytes, std::size_t from) {
    return decode<Revision>(bytes, from, "the change of the configuration is not one",
                            [](Decoder& decoder, Revision& any) { code_revision(decoder, any); });
}

base::Result<Past, Fault> decode_past(base::Bytes bytes, std::size_t from) {
    return decode<Past>(bytes, from, "the past of the process is not one",
                        [](Decoder& decoder, Past& any) { code_past(decoder, any); });
}

}  // namespace terminus::record
