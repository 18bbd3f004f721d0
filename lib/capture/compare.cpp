#include "capture/compare.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <utility>

#include "capture/dissect.hpp"
#include "capture/reader.hpp"

namespace terminus::capture {
namespace {

using Done = base::Result<void, std::string>;

// How far a packet is looked for that isn't where it was: a burst's worth of others may have come before it.
constexpr std::size_t kAhead = 64;
constexpr std::size_t kHistoryMax = 12;

struct Kept {
    std::uint64_t number = 0;
    base::Duration stamp{};
    std::vector<std::uint8_t> bytes;
};

/// A capture with the next few packets in sight.
class Source {
 public:
    explicit Source(Reader reader) : reader_(std::move(reader)) {}

    Done look_ahead() {
        while (!ended_ && ahead.size() < kAhead) {
            const auto read = reader_.next();
            if (!read) return base::Failure{read.error()};
            if (!read.value()) {
                ended_ = true;
                break;
            }
            const Record& record = *read.value();
            ahead.push_back({record.number, record.stamp, {record.frame.begin(), record.frame.end()}});
        }
        return {};
    }
    /// How many packets on the same bytes come; nothing when they are not in sight.
    [[nodiscard]] std::optional<std::size_t> distance_to(const std::vector<std::uint8_t>& bytes) const {
        const auto found =
            std::find_if(ahead.begin(), ahead.end(), [&](const Kept& one) { return one.bytes == bytes; });
        if (found == ahead.end()) return std::nullopt;
        return static_cast<std::size_t>(found - ahead.begin());
    }

    std::deque<Kept> ahead;

 private:
    Reader reader_;
    bool ended_ = false;
};

std::string seconds(base::Duration time) {
    char text[40];
    std::snprintf(text, sizeof text, "%lld.%09lld", static_cast<long long>(time.count() / 1'000'000'000),
                  static_cast<long long>(time.count() % 1'000'000'000));
    return text;
}

std::string value_of(const std::vector<Field>& fields, const std::string& name) {
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const Field& one) { return one.name == name; });
    return field == fields.end() ? "none" : field->value;
}

std::string line(const std::string& name, const std::string& expected, const std::string& actual) {
    return "\n  " + name + ": expected " + expected + ", got " + actual;
}

std::string payload_lines(base::Bytes expected, base::Bytes actual) {
    std::string text;
    if (expected.size() != actual.size()) {
        text += line("payload", std::to_string(expected.size()) + " bytes",
                     std::to_string(actual.size()) + " bytes");
    }
    const std::size_t common = std::min(expected.size(), actual.size());
    const auto at = std::mismatch(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(common),
                                  actual.begin());
    const auto place = static_cast<std::size_t>(at.first - expected.begin());
    if (place == common) return text;
    char values[2][8];
    std::snprintf(values[0], sizeof values[0], "0x%02x", expected[place]);
    std::snprintf(values[1], sizeof values[1], "0x%02x", actual[place]);
    return text + line("payload byte " + std::to_string(place), values[0], values[1]);
}

class Comparer {
 public:
    Comparer(const CompareRequest& request, Reader expected, Reader actual)
        : request_(request), expected_(std::move(expected)), actual_(std::move(actual)) {}

    base::Result<Comparison, std::string> run() {
        while (out_.differences.size() < Comparison::kDifferencesMax) {
            for (Source* source : {&expected_, &actual_}) {
                if (const Done done = source->look_ahead(); !done) return base::Failure{done.error()};
            }
            if (expected_.ahead.empty() && actual_.ahead.empty()) break;
            if (const Done done = step(); !done) return base::Failure{done.error()};
        }
        return std::move(out_);
    }

 private:
    Done step() {
        if (expected_.ahead.empty()) return surplus();
        if (actual_.ahead.empty()) return missing();
        const Kept& expected = expected_.ahead.front();
        const Kept& actual = actual_.ahead.front();
        if (expected.bytes != actual.bytes) {
            // The nearest packet that is the same on both sides tells which side has more before it.
            const auto lost = expected_.distance_to(actual.bytes);
            const auto added = actual_.distance_to(expected.bytes);
            if (added && (!lost || *added <= *lost)) return surplus();
            if (lost) return missing();
        }
        Done done;
        if (expected.bytes != actual.bytes || expected.stamp != actual.stamp)
            done = differing(expected, actual);
        ++out_.compared;
        expected_.ahead.pop_front();
        actual_.ahead.pop_front();
        return done;
    }

    Done differing(const Kept& expected, const Kept& actual) {
        const Dissection wanted = dissect(expected.bytes), found = dissect(actual.bytes);
        std::string text = head(actual) + ": " + found.summary;
        if (expected.stamp != actual.stamp) {
            text += line("time", seconds(expected.stamp - request_.begins),
                         seconds(actual.stamp - request_.begins));
        }
        for (const Field& field : wanted.fields) {
            const std::string value = value_of(found.fields, field.name);
            if (value != field.value) text += line(field.name, field.value, value);
        }
        for (const Field& field : found.fields) {
            if (value_of(wanted.fields, field.name) == "none") text += line(field.name, "none", field.value);
        }
        text += payload_lines(
            base::Bytes(expected.bytes).subspan(std::min(wanted.payload, expected.bytes.size())),
            base::Bytes(actual.bytes).subspan(std::min(found.payload, actual.bytes.size())));
        return add(std::move(text), found, actual);
    }

    Done missing() {
        const Kept one = std::move(expected_.ahead.front());
        expected_.ahead.pop_front();
        ++out_.compared;
        const Dissection what = dissect(one.bytes);
        return add(head(one) + " is missing: " + what.summary, what, one);
    }

    Done surplus() {
        const Kept one = std::move(actual_.ahead.front());
        actual_.ahead.pop_front();
        const Dissection what = dissect(one.bytes);
        return add(head(one) + " is one too many: " + what.summary, what, one);
    }

    [[nodiscard]] std::string head(const Kept& one) const {
        return "packet " + std::to_string(one.number) + " at " + seconds(one.stamp - request_.begins) + " s";
    }

    Done add(std::string text, const Dissection& what, const Kept& one) {
        if (what.ends) {
            const auto told = history(*what.ends, one);
            if (!told) return base::Failure{told.error()};
            text += told.value();
        }
        out_.differences.push_back(std::move(text));
        return {};
    }

    /// What went both ways between the two ends before `until`, oldest first.
    base::Result<std::string, std::string> history(const std::pair<wire::Endpoint, wire::Endpoint>& ends,
                                                   const Kept& until) const {
        std::deque<std::pair<base::Duration, std::string>> lines;
        const auto gather = [&](const std::string& path, const char* direction, bool is_actual) -> Done {
            auto reader = Reader::open(path, {});
            if (!reader) return base::Failure{reader.error()};
            for (;;) {
                const auto read = reader.value().next();
                if (!read) return base::Failure{read.error()};
                if (!read.value() || read.value()->stamp > until.stamp) return {};
                if (is_actual && read.value()->number >= until.number) return {};
                const Dissection what = dissect(read.value()->frame);
                if (what.ends == ends) lines.emplace_back(read.value()->stamp, direction + what.summary);
            }
        };
        if (request_.received) {
            if (const Done done = gather(*request_.received, "< ", false); !done)
                return base::Failure{done.error()};
        }
        if (const Done done = gather(request_.actual, "> ", true); !done) return base::Failure{done.error()};
        std::stable_sort(lines.begin(), lines.end(),
                         [](const auto& one, const auto& other) { return one.first < other.first; });
        std::string text = lines.empty() ? "" : "\n  the connection so far (< received, > sent):";
        if (lines.size() > kHistoryMax) {
            text += "\n    ... " + std::to_string(lines.size() - kHistoryMax) + " before";
            lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(kHistoryMax));
        }
        for (const auto& [stamp, summary] : lines)
            text += "\n    " + seconds(stamp - request_.begins) + ' ' + summary;
        return text;
    }

    const CompareRequest& request_;
    Source expected_;
    Source actual_;
    Comparison out_;
};

}  // namespace

base::Result<Comparison, std::string> compare(const CompareRequest& request) {
    auto expected = Reader::open(request.expected, {});
    if (!expected) return base::Failure{expected.error()};
    auto actual = Reader::open(request.actual, {});
    if (!actual) return base::Failure{actual.error()};
    return Comparer(request, std::move(expected).value(), std::move(actual).value()).run();
}

}  // namespace terminus::capture
