#include "control/recording.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace terminus::control {

Recording::Recording(boost::asio::io_context& io, Mailroom& mailroom) : mailroom_(mailroom), timer_(io) {}

base::Result<void, std::string> Recording::begin(const RecordingRequest& request) {
    auto writer = RecordingWriter::start(request, head_);
    if (!writer) return base::Failure{"recording: " + writer.error()};
    enter_new(request, std::move(writer).value(), State::Running);
    return {};
}

worker::Recorder* Recording::recorder(std::uint16_t worker) {
    return writer_ ? &writer_->recorder(worker) : nullptr;
}

// Commands to a worker keep their order: what it was told before this is in its snapshot, and what it is told
// after this in its turns.
void Recording::begin_later(const RecordingRequest& request, const record::Past& past, Begun begun) {
    if (writer_) return begun(base::Failure{"there is a recording already, into " + path_});
    const std::uint64_t connections = census(mailroom_.group()).connections;
    const std::uint64_t connections_max =
        request.connections_max.value_or(RecordingRequest::kConnectionsPerWorker * mailroom_.workers());
    if (connections > connections_max) {
        return begun(base::Failure{"there are " + std::to_string(connections) +
                                   " connections, and for more than " + std::to_string(connections_max) +
                                   " the workers would stand still too long (--connections-max)"});
    }
    auto writer = RecordingWriter::start(request, head_, past);
    if (!writer) return begun(base::Failure{"recording: " + writer.error()});
    enter_new(request, std::move(writer).value(), State::Starting);
    beginning_ = {};
    workers_to_begin_ = mailroom_.workers();
    for (std::uint32_t i = 0; i < mailroom_.workers(); ++i) {
        const auto worker = static_cast<std::uint16_t>(i);
        mailroom_.post(i, worker::SetRecorder{recorder(worker)},
                       [this, worker, begun](worker::Reply&& reply) {
                           auto& set = std::get<worker::RecorderSet>(reply);
                           beginning_.snapshot_bytes += set.snapshot.size();
                           beginning_.longest_pause = std::max(beginning_.longest_pause, set.took);
                           writer_->add_snapshot(worker, std::move(set.snapshot));
                           if (--workers_to_begin_ == 0) has_begun(begun);
                       });
    }
}

void Recording::has_begun(const Begun& begun) {
    beginning_.census = census(mailroom_.group());
    if (state_ != State::Starting) return begun(base::Failure{"the recording has ended: " + why_});
    state_ = State::Running;
    began_ = Clock::now();
    const double milliseconds = std::chrono::duration<double, std::milli>(beginning_.longest_pause).count();
    spdlog::info(
        "recording {} begins with {} connections and {} TIME_WAITs: {} bytes, {:.1f} ms of a worker's time",
        path_, beginning_.census.connections, beginning_.census.time_waits, beginning_.snapshot_bytes,
        milliseconds);
    begun(beginning_);
}

void Recording::enter_new(const RecordingRequest& request, std::unique_ptr<RecordingWriter> writer,
                          State state) {
    writer_ = std::move(writer);
    request_ = request;
    path_ = request.path;
    why_.clear();
    state_ = state;
    ++number_;
    began_ = Clock::now();
    spdlog::warn("recording into {}: it holds this process's keys and all that is sent and received", path_);
    look_later();
}

void Recording::add(const record::Revision& revision) {
    if (writer_) writer_->add(revision);
}

void Recording::end(const std::string& why, std::function<void()> done) {
    if (!is_under_way()) return done();
    state_ = State::Ending;
    why_ = why;
    mailroom_.post_all([](std::uint32_t) { return worker::SetRecorder{nullptr}; },
                       [this, why, done = std::move(done)] {
                           finish(why);
                           done();
                       });
}

void Recording::workers_stopped() {
    finish("terminusd ended");
}

base::Duration Recording::span() const {
    return (writer_ ? Clock::now() : ended_) - began_;
}

void Recording::look_later() {
    timer_.expires_after(kLook);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || !is_under_way()) return;
        if (const auto why = reason_to_end()) return end(*why);
        look_later();
    });
}

std::optional<std::string> Recording::reason_to_end() const {
    if (const auto trouble = writer_->trouble()) return trouble;
    if (request_.owner && request_.owner->expired()) return "who had asked for it is gone";
    if (state_ == State::Running && span() >= request_.lasts) return "the time that was asked for is over";
    return std::nullopt;
}

void Recording::finish(const std::string& why) {
    if (!writer_) return;
    timer_.cancel();
    writer_->finish(why);
    bytes_ = writer_->bytes();
    why_ = writer_->trouble().value_or(why);
    writer_.reset();
    state_ = State::Ended;
    ended_ = Clock::now();
    spdlog::info("recording {} has ended: {}; {} bytes", path_, why_, bytes_);
}

}  // namespace terminus::control
