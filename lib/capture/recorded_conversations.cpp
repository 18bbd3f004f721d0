#include "capture/recorded_conversations.hpp"

#include <algorithm>
#include <utility>

#include "capture/captured_packet.hpp"
#include "capture/raw_conversation.hpp"
#include "capture/sorter.hpp"

namespace terminus::capture {
namespace {

constexpr std::size_t kBlock = 1 << 20;  // of payloads that lie together

}  // namespace

base::Result<RecordedConversations, std::string> RecordedConversations::load(Reader& reader,
                                                                             const Options& options) {
    RecordedConversations recorded;
    Sorter sorter;
    for (;;) {
        auto read = reader.next();
        if (!read) return base::Failure{read.error()};
        if (!read.value()) break;
        const Record& record = *read.value();
        ++recorded.packets_;
        if (!recorded.first_stamp_) recorded.first_stamp_ = record.stamp;
        auto captured = read_captured(record);
        if (!captured) {
            recorded.notes_.push_back({record.number, captured.error()});
            continue;
        }
        captured.value().packet.payload = recorded.keep(captured.value().packet.payload);
        sorter.add(captured.value());
    }
    std::vector<RawConversation> all = std::move(sorter).finish(options.services);
    recorded.conversations_.reserve(all.size());
    for (RawConversation& raw : all)
        recorded.conversations_.push_back(digest(std::exchange(raw, {})));
    return recorded;
}

base::Bytes RecordedConversations::keep(base::Bytes payload) {
    if (payload.empty()) return {};
    if (payloads_.empty() || payloads_.back()->capacity() - payloads_.back()->size() < payload.size()) {
        payloads_.push_back(std::make_unique<std::vector<std::uint8_t>>());
        payloads_.back()->reserve(std::max(kBlock, payload.size()));
    }
    std::vector<std::uint8_t>& block = *payloads_.back();
    const std::size_t at = block.size();
    block.insert(block.end(), payload.begin(),
                 payload.end());  // never beyond what was reserved: nothing moves
    return base::Bytes(block).subspan(at);
}

}  // namespace terminus::capture
