#include "captures.hpp"

#include <cstdio>
#include <stdexcept>

#include "capture/reader.hpp"

namespace terminus::differential {
namespace {

using capture::RecordedConversation;
using capture::ResponseStep;

const char* name(RecordedConversation::Outcome outcome) {
    switch (outcome) {
        case RecordedConversation::Outcome::Established:
            return "established";
        case RecordedConversation::Outcome::Refused:
            return "refused";
        case RecordedConversation::Outcome::Unanswered:
            return "unanswered";
    }
    return "";
}

const char* name(ResponseStep::Kind kind) {
    switch (kind) {
        case ResponseStep::Kind::Bytes:
            return "bytes";
        case ResponseStep::Kind::Fin:
            return "fin";
        case ResponseStep::Kind::Reset:
            return "reset";
    }
    return "";
}

void print_step(const ResponseStep& step, const capture::RecordedStream& response) {
    std::printf("%s %llu %d %lld ", name(step.kind), static_cast<unsigned long long>(step.after_received),
                step.after_client_fin ? 1 : 0, static_cast<long long>(step.after.count()));
    std::vector<std::uint8_t> bytes(step.length);
    if (step.kind == ResponseStep::Kind::Bytes) response.read(step.begin, bytes);
    for (const std::uint8_t byte : bytes)
        std::printf("%02x", byte);
    std::puts("");
}

}  // namespace

std::vector<capture::RecordedConversations> load(const std::vector<std::string>& paths) {
    std::vector<capture::RecordedConversations> loaded;
    for (const std::string& path : paths) {
        auto reader = capture::Reader::open(path, {});
        if (!reader) throw std::runtime_error(reader.error());
        auto recorded = capture::RecordedConversations::load(reader.value(), {});
        if (!recorded) throw std::runtime_error(recorded.error());
        loaded.push_back(std::move(recorded).value());
    }
    return loaded;
}

void print_steps(const capture::RecordedConversations& recorded) {
    for (const RecordedConversation& conversation : recorded.conversations()) {
        std::printf("conversation %s %u %s %u %s\n", conversation.client.address.to_string().c_str(),
                    conversation.client.port, conversation.server.address.to_string().c_str(),
                    conversation.server.port, name(conversation.outcome));
        for (const ResponseStep& step : conversation.steps)
            print_step(step, conversation.response);
    }
}

}  // namespace terminus::differential
