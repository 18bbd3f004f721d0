#include "control/capture_command.hpp"

#include <unistd.h>

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/value.hpp"
#include "worker/worker.hpp"

namespace terminus::control {
namespace {

using nlohmann::ordered_json;

double in_milliseconds(base::Duration span) {
    return std::chrono::duration<double, std::milli>(span).count();
}

ordered_json describe(const Recording& recording) {
    if (recording.number() == 0) return {{"state", "none"}};
    const bool has_ended = recording.state() == Recording::State::Ended;
    ordered_json line{{"state", has_ended ? "ended" : "running"},
                      {"file", recording.path()},
                      {"bytes", recording.bytes()},
                      {"seconds", in_milliseconds(recording.span()) / 1000}};
    if (has_ended) line["why"] = recording.why();
    return line;
}

ordered_json describe(const Recording& recording, const Recording::Beginning& beginning) {
    return {{"state", "begun"},
            {"file", recording.path()},
            {"connections", beginning.census.connections},
            {"time_waits", beginning.census.time_waits},
            {"snapshot_bytes", beginning.snapshot_bytes},
            {"pause_ms", in_milliseconds(beginning.longest_pause)}};
}

std::string line_of(const ordered_json& object) {
    // A path need not be text.
    return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

/// Begins a recording and tells how it goes until it ends.
class CaptureAnswer : public Answer {
 public:
    CaptureAnswer(Recording& recording, Runtime& runtime, CaptureRequest request)
        : recording_(recording),
          runtime_(runtime),
          request_(std::move(request)),
          timer_(recording.executor()) {}

    void next(Deliver deliver) override {
        if (number_ != 0) return report_later(std::move(deliver));
        if (!request_.is_detached) request_.recording.owner = std::weak_ptr<const void>(weak_from_this());
        recording_.begin_later(
            request_.recording, runtime_.past(worker::read_clock()),
            [this, self = shared_from_this(), deliver = std::move(deliver)](const auto& begun) {
                if (!begun) return deliver(error_line(begun.error()), true);
                number_ = recording_.number();
                deliver(line_of(describe(recording_, begun.value())), request_.is_detached);
            });
    }

 private:
    /// Between two lines, and between two looks at whether it has ended.
    static constexpr int kLooksPerLine = 20;
    static constexpr std::chrono::milliseconds kLook{50};

    void report_later(Deliver deliver, int looks = 0) {
        timer_.expires_after(kLook);
        timer_.async_wait([this, self = shared_from_this(), deliver = std::move(deliver),
                           looks](const boost::system::error_code& error) {
            if (error) return;
            const bool has_ended =
                recording_.number() != number_ || recording_.state() == Recording::State::Ended;
            if (has_ended || looks == kLooksPerLine) return deliver(line_of(describe(recording_)), has_ended);
            report_later(deliver, looks + 1);
        });
    }

    Recording& recording_;
    Runtime& runtime_;
    CaptureRequest request_;
    boost::asio::steady_timer timer_;
    std::uint32_t number_ = 0;  // of the recording, from when it has begun
};

class StopAnswer : public Answer {
 public:
    explicit StopAnswer(Recording& recording) : recording_(recording) {}

    void next(Deliver deliver) override {
        recording_.end("it was told to end", [this, self = shared_from_this(), deliver = std::move(deliver)] {
            deliver(line_of(describe(recording_)), true);
        });
    }

 private:
    Recording& recording_;
};

}  // namespace

base::Result<CaptureRequest, std::string> capture_request(const std::map<std::string, std::string>& options) {
    CaptureRequest request;
    for (const auto& [name, text] : options) {
        if (name == "file") {
            request.what = CaptureRequest::What::Begin;
            request.recording.path = text;
            if (!text.starts_with('/'))
                return base::Failure{config::quoted(text) +
                                     " is not an absolute path, and `file` must be one"};
        } else if (name == "limit") {
            const auto bytes = config::parse_count(text);
            if (!bytes) return base::Failure{"`limit`: " + bytes.error()};
            request.recording.limit_bytes = bytes.value();
        } else if (name == "connections_max") {
            const auto count = config::parse_count(text);
            if (!count) return base::Failure{"`connections_max`: " + count.error()};
            request.recording.connections_max = count.value();
        } else if (name == "for") {
            const auto span = config::parse_duration(text);
            if (!span) return base::Failure{"`for`: " + span.error()};
            request.recording.lasts = span.value();
        } else if (name == "detach") {
            request.is_detached = true;
        } else if (name == "stop") {
            if (options.size() > 1) return base::Failure{std::string("`stop` comes alone")};
            request.what = CaptureRequest::What::Stop;
        }
    }
    if (request.what == CaptureRequest::What::Status && !options.empty())
        return base::Failure{std::string("a recording needs a `file`")};
    return request;
}

bool may_capture(const Asker& asker) {
    return asker.user == 0 || asker.user == ::geteuid();
}

std::shared_ptr<Answer> capture_answer(Recording& recording, Runtime& runtime, CaptureRequest request) {
    switch (request.what) {
        case CaptureRequest::What::Begin:
            return std::make_shared<CaptureAnswer>(recording, runtime, std::move(request));
        case CaptureRequest::What::Stop:
            if (recording.is_under_way()) return std::make_shared<StopAnswer>(recording);
            return std::make_shared<TextAnswer>(error_line("nothing is being recorded"));
        case CaptureRequest::What::Status:
            break;
    }
    return std::make_shared<TextAnswer>(line_of(describe(recording)));
}

}  // namespace terminus::control
