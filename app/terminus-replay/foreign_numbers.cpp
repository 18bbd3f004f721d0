#include "foreign_numbers.hpp"

#include <utility>

#include "foreign_account.hpp"

namespace terminus::app {
namespace {

using capture::DivergenceKind;
using capture::NoteKind;

/// Numbers of one port's.
class Adder {
 public:
    Adder(std::vector<Number>& out, const std::string& port) : out_(out), port_(port) {}
    void operator()(const char* name, std::vector<std::pair<std::string, std::string>> labels,
                    std::uint64_t value) {
        labels.insert(labels.begin(), {"port", port_});
        out_.push_back({name, std::move(labels), static_cast<double>(value)});
    }

 private:
    std::vector<Number>& out_;
    std::string port_;
};

/// Those that there are none of, too, for conditions.
template <typename Kind>
void add_kinds(Adder& add, const char* name, const std::map<Kind, ForeignAccount::Packets>& kinds,
               Kind last) {
    for (int number = 0; number <= static_cast<int>(last); ++number) {
        const auto kind = static_cast<Kind>(number);
        const auto found = kinds.find(kind);
        add(name, {{"what", std::string(capture::text(kind))}},
            found == kinds.end() ? 0 : found->second.size());
    }
}

void add_bytes(Adder& add, const char* stream, const ForeignAccount::Bytes& bytes) {
    add("foreign_bytes", {{"stream", stream}, {"state", "recorded"}}, bytes.recorded);
    add("foreign_bytes", {{"stream", stream}, {"state", "reached"}}, bytes.reached);
}

void add_account(Adder& add, const ForeignAccount& account) {
    add("foreign_conversations", {{"state", "accounted_for"}}, account.accounted_for);
    add("foreign_conversations", {{"state", "not_accounted_for"}}, account.unaccounted.size());
    add("foreign_conversations", {{"state", "not_played"}}, account.unplayed.size());
    add_bytes(add, "request", account.request);
    add_bytes(add, "response", account.response);
    add("foreign_filled_bytes", {}, account.played.filled_bytes);
    add("foreign_packets", {{"what", "played"}}, account.played.recorded);
    add("foreign_packets", {{"what", "split"}}, account.played.split);
    add("foreign_packets", {{"what", "repaired"}}, account.played.repaired);
    add("foreign_packets", {{"what", "waited"}}, account.played.waited);
    const auto& played = account.played;
    add("foreign_frames", {{"what", "recorded"}}, played.frames - played.made_up - played.inserted);
    add("foreign_frames", {{"what", "made_up"}}, played.made_up);
    add("foreign_frames", {{"what", "inserted"}}, played.inserted);
    add_kinds(add, "foreign_notes", account.notes, NoteKind::EndMissing);
    add_kinds(add, "foreign_divergences", account.divergences, DivergenceKind::NotPlayed);
}

}  // namespace

void add_foreign(std::vector<Number>& out, const Replay& replay) {
    if (replay.foreign() == nullptr) return;
    for (std::uint16_t index = 0; index < replay.ports().size(); ++index) {
        if (replay.foreign()->recorded(index) == nullptr) continue;
        Adder add(out, replay.ports()[index].name);
        add_account(add, account_of(*replay.foreign(), index));
    }
    const replay::Stage& stage = replay.foreign()->stage();
    const auto add = [&](const char* what, std::uint64_t value) {
        out.push_back({"foreign_backends", {{"what", what}}, static_cast<double>(value)});
    };
    add("refused", stage.counters().refused);
    add("unanswered", stage.counters().unanswered);
    add("of_no_conversation", stage.backends().strangers());
}

}  // namespace terminus::app
