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
#include "base/time.hpp"
#include "control/census.hpp"
#include "control/mailroom.hpp"
#include "control/recording_writer.hpp"
#include "record/head.hpp"

namespace terminus::control {

/// The recordings of this process, one after the other: from its first turn on, or from any later one.
/// Control thread.
class Recording {
 public:
    enum class State : std::uint8_t { None, Starting, Running, Ending, Ended };

    /// What a recording of a process that runs began with.
    struct Beginning {
        Census census;
        std::uint64_t snapshot_bytes = 0;
        base::Duration longest_pause{};  ///< that a worker stood still for
    };
    using Begun = std::function<void(const base::Result<Beginning, std::string>&)>;

    /// Between two looks for trouble.
    static constexpr std::chrono::milliseconds kLook{20};

    Recording(boost::asio::io_context& io, Mailroom& mailroom);

    /// What the process was made of: before the others.
    void set_head(record::Head head) { head_ = std::move(head); }
    /// Creates the file, before the workers run; each is then given its recorder().
    [[nodiscard]] base::Result<void, std::string> begin(const RecordingRequest& request);
    [[nodiscard]] worker::Recorder* recorder(std::uint16_t worker);
    /// Creates the file while the workers run, and gives them their recorders. `past` is what they have been
    /// told so far. `begun` runs when all have begun, or with the error: at once where there is a file or a
    /// recording already.
    void begin_later(const RecordingRequest& request, const record::Past& past, Begun begun);
    /// A change of the configuration, before the workers hear of it.
    void add(const record::Revision& revision);
    /// Takes the recorders from the workers and ends the file; `done` runs when that is over.
    void end(
        const std::string& why, std::function<void()> done = [] {});
    /// All workers have stopped.
    void workers_stopped();

    [[nodiscard]] State state() const { return state_; }
    /// It has begun, on some workers at least, and nobody has ended it.
    [[nodiscard]] bool is_under_way() const { return state_ == State::Starting || state_ == State::Running; }
    /// From 1 on; 0: there was none.
    [[nodiscard]] std::uint32_t number() const { return number_; }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::uint64_t bytes() const { return writer_ ? writer_->bytes() : bytes_; }
    /// Since it was begun, or how long it was.
    [[nodiscard]] base::Duration span() const;
    /// Why it ended.
    [[nodiscard]] const std::string& why() const { return why_; }
    [[nodiscard]] boost::asio::steady_timer::executor_type executor() { return timer_.get_executor(); }

 private:
    using Clock = std::chrono::steady_clock;

    void enter_new(const RecordingRequest& request, std::unique_ptr<RecordingWriter> writer, State state);
    void has_begun(const Begun& begun);
    void look_later();
    [[nodiscard]] std::optional<std::string> reason_to_end() const;
    void finish(const std::string& why);

    Mailroom& mailroom_;
    boost::asio::steady_timer timer_;
    record::Head head_;
    State state_ = State::None;
    std::uint32_t number_ = 0;
    std::unique_ptr<RecordingWriter> writer_;
    RecordingRequest request_;
    Beginning beginning_;
    std::uint32_t workers_to_begin_ = 0;
    std::string path_;
    std::string why_;
    std::uint64_t bytes_ = 0;
    Clock::time_point began_;
    Clock::time_point ended_;
};

}  // namespace terminus::control
