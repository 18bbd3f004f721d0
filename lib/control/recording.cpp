#include "control/recording.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace terminus::control {

Recording::Recording(boost::asio::io_context& io, Mailroom& mailroom) : mailroom_(mailroom), timer_(io) {}

base::Result<void, std::string> Recording::begin(const RecordingRequest& request, const record::Head& head) {
    auto writer = RecordingWriter::start(request, head);
    if (!writer) return base::Failure{"recording: " + writer.error()};
    writer_ = std::move(writer).value();
    path_ = request.path;
    state_ = State::Running;
    spdlog::warn("recording into {}: it holds this process's keys and all that is sent and received", path_);
    look_later();
    return {};
}

worker::Recorder* Recording::recorder(std::uint16_t worker) {
    return writer_ ? &writer_->recorder(worker) : nullptr;
}

void Recording::add(const record::Revision& revision) {
    if (writer_) writer_->add(revision);
}

void Recording::end(const std::string& why, std::function<void()> done) {
    if (state_ != State::Running) return done();
    state_ = State::Ending;
    mailroom_.post_all([](std::uint32_t) { return worker::SetRecorder{nullptr}; },
                       [this, why, done = std::move(done)] {
                           finish(why);
                           done();
                       });
}

void Recording::workers_stopped() {
    finish("terminusd ended");
}

void Recording::look_later() {
    timer_.expires_after(kLook);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error || state_ != State::Running) return;
        if (const auto trouble = writer_->trouble()) return end(*trouble);
        look_later();
    });
}

void Recording::finish(const std::string& why) {
    if (!writer_) return;
    timer_.cancel();
    writer_->finish(why);
    bytes_ = writer_->bytes();
    why_ = writer_->trouble().value_or(why);
    writer_.reset();
    state_ = State::Ended;
    spdlog::info("recording {} has ended: {}; {} bytes", path_, why_, bytes_);
}

}  // namespace terminus::control
