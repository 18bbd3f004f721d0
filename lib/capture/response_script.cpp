#include "capture/response_script.hpp"

#include <algorithm>
#include <utility>

namespace terminus::capture {
namespace {

// Two writes of a program that lie closer together are one to whoever reads them.
constexpr base::Duration kRunGap = std::chrono::milliseconds(10);

}  // namespace

void ResponseScript::text(std::uint64_t begin, std::uint64_t length, const Sent& sent) {
    if (length == 0 || has_ended_) return;
    const bool goes_on = !steps_.empty() && steps_.back().kind == ResponseStep::Kind::Bytes &&
                         steps_.back().after_received == sent.received &&
                         (sent.is_clocked || sent.stamp - last_text_ <= kRunGap);
    if (!goes_on) {
        add(ResponseStep::Kind::Bytes, sent);
        steps_.back().begin = begin;
    }
    steps_.back().length += length;
    last_text_ = sent.stamp;
}

void ResponseScript::fin(const Sent& sent) {
    if (!has_ended_) add(ResponseStep::Kind::Fin, sent);
}

void ResponseScript::reset(const Sent& sent) {
    if (!has_ended_) add(ResponseStep::Kind::Reset, sent);
    has_ended_ = true;
}

void ResponseScript::add(ResponseStep::Kind kind, const Sent& sent) {
    ResponseStep step;
    step.kind = kind;
    step.after_received = sent.received;
    const base::Duration cause = std::max(sent.cause, steps_.empty() ? base::Duration{} : last_step_);
    step.after = std::max(sent.stamp - cause, base::Duration{});
    step.packet = sent.packet;
    steps_.push_back(step);
    last_step_ = sent.stamp;
}

std::vector<ResponseStep> ResponseScript::finish(std::optional<std::uint64_t> client_fin,
                                                 std::uint64_t request_length,
                                                 std::uint64_t response_length) && {
    for (ResponseStep& step : steps_) {
        // A FIN takes a number, and no byte of the request.
        step.after_client_fin = client_fin && step.after_received > *client_fin;
        if (step.after_client_fin) step.after_received = *client_fin;
        if (step.after_received > 0) --step.after_received;
        step.after_received = std::min(step.after_received, request_length);
        step.length = std::min(step.length, response_length - std::min(step.begin, response_length));
    }
    std::erase_if(steps_, [](const ResponseStep& step) {
        return step.kind == ResponseStep::Kind::Bytes && step.length == 0;
    });
    return std::move(steps_);
}

}  // namespace terminus::capture
