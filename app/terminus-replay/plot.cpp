#include "plot.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>

#include "capture/conversation.hpp"
#include "capture/ladder.hpp"
#include "capture/reader.hpp"
#include "capture/time_sequence.hpp"

namespace terminus::app {
namespace {

/// A capture with its next packet in sight; none of an empty name.
class Source {
 public:
    explicit Source(const std::string& path) {
        if (path.empty()) return;
        auto opened = capture::Reader::open(path, {});
        if (!opened) throw std::runtime_error(opened.error());
        reader_.emplace(std::move(opened).value());
        advance();
    }
    [[nodiscard]] const std::optional<capture::Record>& next() const { return next_; }
    void advance() {
        auto read = reader_->next();
        if (!read) throw std::runtime_error(read.error());
        next_ = read.value();
    }

 private:
    std::optional<capture::Reader> reader_;
    std::optional<capture::Record> next_;
};

/// What a port received and sent, in the order of their times; of one instant what came before what it
/// brought about.
capture::Conversations conversations_of(const Replay::Port& port, base::Duration begins) {
    Source received(port.received());
    Source sent(port.device.sent);
    capture::Conversations conversations;
    while (received.next() || sent.next()) {
        const bool is_received =
            received.next() && (!sent.next() || received.next()->stamp <= sent.next()->stamp);
        Source& source = is_received ? received : sent;
        const capture::Record& record = *source.next();
        conversations.add(record.frame, record.stamp - begins, record.number);
        source.advance();
    }
    return conversations;
}

void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary);
    out << text;
    if (!out.flush()) throw std::runtime_error(path.string() + ": " + std::strerror(errno));
}

}  // namespace

void check_plot(const Replay& replay, const std::string& folder) {
    for (const Replay::Port& port : replay.ports()) {
        if (port.device.sent.empty())
            throw std::runtime_error("--plot: " + port.device.name +
                                     " needs tx_pcap=FILE, for what it sends");
        const bool is_lost =
            port.stage != nullptr && !port.device.received.empty() && port.received().empty();
        if (is_lost)
            throw std::runtime_error("--plot: " + port.device.name +
                                     " needs --played FILE, for what it receives");
    }
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) throw std::runtime_error(folder + ": " + error.message());
}

std::size_t plot(const Replay& replay, const std::string& folder) {
    std::size_t left_out = 0;
    for (const Replay::Port& port : replay.ports()) {
        const capture::Conversations conversations = conversations_of(port, replay.recorded());
        const std::size_t drawn = std::min(conversations.all().size(), kDrawnMax);
        left_out += conversations.all().size() - drawn;
        for (std::size_t i = 0; i < drawn; ++i) {
            const capture::Conversation& conversation = conversations.all()[i];
            const std::string name = port.device.name + "-" + std::to_string(i + 1);
            write(std::filesystem::path(folder) / (name + "-ladder.svg"), capture::ladder_svg(conversation));
            write(std::filesystem::path(folder) / (name + "-client.svg"),
                  capture::time_sequence_svg(conversation, true));
            write(std::filesystem::path(folder) / (name + "-server.svg"),
                  capture::time_sequence_svg(conversation, false));
        }
    }
    return left_out;
}

}  // namespace terminus::app
