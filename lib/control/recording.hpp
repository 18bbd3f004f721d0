#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "control/mailroom.hpp"
#include "control/recording_writer.hpp"
#include "record/head.hpp"

namespace terminus::control {

/// The recording of this process: from its first turn on, once. Control thread.
class Recording {
 public:
    enum class State : std::uint8_t { None, Running, Ending, Ended };

    /// Between two looks for trouble.
    static constexpr std::chrono::milliseconds kLook{20};

    Recording(boost::asio::io_context& io, Mailroom& mailroom);

    /// Creates the file, before the workers run; each is then given its recorder().
    [[nodiscard]] base::Result<void, std::string> begin(const RecordingRequest& request,
                                                        const record::Head& head);
    [[nodiscard]] worker::Recorder* recorder(std::uint16_t worker);
    /// A change of the configuration, before the workers hear of it.
    void add(const record::Revision& revision);
    /// Takes the recorders from the workers and ends the file; `done` runs when that is over.
    void end(
        const std::string& why, std::function<void()> done = [] {});
    /// All workers have stopped.
    void workers_stopped();

    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::uint64_t bytes() const { return writer_ ? writer_->bytes() : bytes_; }
    /// Why it ended.
    [[nodiscard]] const std::string& why() const { return why_; }

 private:
    void look_later();
    void finish(const std::string& why);

    Mailroom& mailroom_;
    boost::asio::steady_timer timer_;
    State state_ = State::None;
    std::unique_ptr<RecordingWriter> writer_;
    std::string path_;
    std::string why_;
    std::uint64_t bytes_ = 0;
};

}  // namespace terminus::control
