#include "stack/connections.hpp"

#include <cstring>

namespace terminus::stack {

namespace {

/// Room for as many blocks as there are connections; a little more than they take on the average.
constexpr std::size_t kPackedBytesExpected = 192;

/// A connection's bytes, to and from words (base::archive_but).
struct RowWriter {
    std::uint8_t* at;
    void bytes(const void* from, std::size_t count) {
        std::memcpy(at, from, count);
        at += count;
    }
};
struct RowReader {
    const std::uint8_t* at;
    void bytes(void* to, std::size_t count) {
        std::memcpy(to, at, count);
        at += count;
    }
};

template <std::size_t... Kind>
std::array<base::Likeness, sizeof...(Kind)> likenesses(std::size_t words, std::size_t samples,
                                                       std::index_sequence<Kind...>) {
    return {((void)Kind, base::Likeness(words, samples))...};
}

}  // namespace

Connections::Connections(std::uint32_t capacity, const Resting& resting)
    : slots_(capacity),
      bodies_(capacity),
      blocks_(std::size_t{capacity} * kPackedBytesExpected + base::Blocks::kUnusedMax),
      likenesses_(likenesses(kWords, resting.samples, std::make_index_sequence<kKinds>())),
      rest_after_(static_cast<std::uint16_t>(resting.after.count() >> kTickShift)) {}

void Connections::house(std::uint32_t index, std::uint32_t body) {
    TERMINUS_ASSERT(body != kNone, "there is a body for each slot");
    bodies_[body].owner = index;
    slots_[index].tcp = &bodies_[body].tcp;
    slots_[index].place = body;
    bodies_[body].queued = slots_[index].touched;
    append(body);
    ++newly_awake_;
}

void Connections::release(std::uint32_t index) {
    const std::uint32_t body = slots_[index].place;
    TERMINUS_ASSERT(slots_[index].tcp != nullptr, "whoever ends a connection has it awake");
    unlink(body);
    bodies_.release(body);
    slots_.release(index);
}

// Out of line: who is awake never comes here.
void Connections::wake(std::uint32_t index) {
    ConnectionSlot& slot = slots_[index];
    const std::uint32_t block = slot.place;
    house(index, bodies_.allocate(base::ToBeRead()));
    unpack(block, *slot.tcp);
    blocks_.release(block, std::size_t{*blocks_.at(block)} + 1);
    ++wakes_;
}

void Connections::unpack(std::uint32_t block, tcp::Connection& into) const {
    const std::uint8_t* const at = blocks_.at(block);
    PackedHead head;
    std::memcpy(&head, at, sizeof head);
    Row row;
    likenesses_[head.kind].unpack({at + sizeof head, head.bytes + 1 - sizeof head}, row);
    RowReader reader{reinterpret_cast<const std::uint8_t*>(row.data())};
    into.archive_but_queues(reader);
}

/// False when it stays awake: its kind is not known well enough yet, or it is too much unlike its kind.
bool Connections::pack(std::uint32_t body) {
    tcp::Connection& connection = bodies_[body].tcp;
    Row row;
    RowWriter writer{reinterpret_cast<std::uint8_t*>(row.data())};
    connection.archive_but_queues(writer);
    const std::size_t kind = kind_of(connection);
    base::Likeness& likeness = likenesses_[kind];
    ConnectionSlot& slot = slots_[bodies_[body].owner];
    if (!likeness.is_learnt()) {
        if (!slot.is_sample) likeness.learn(row);
        slot.is_sample = true;
        return false;
    }
    std::array<std::uint8_t, base::Blocks::kBytesMax> packed;
    const std::size_t bytes =
        likeness.pack(row, base::MutableBytes(packed).subspan(sizeof(PackedHead))) + sizeof(PackedHead);
    if (bytes == sizeof(PackedHead)) return false;
    const std::uint32_t block = blocks_.allocate(bytes);
    if (block == base::Blocks::kNone) return false;
    const PackedHead head{static_cast<std::uint8_t>(bytes - 1), static_cast<std::uint8_t>(kind)};
    std::memcpy(packed.data(), &head, sizeof head);
    std::memcpy(blocks_.at(block), packed.data(), bytes);
    slot.place = block;
    slot.tcp = nullptr;
    unlink(body);
    bodies_.release(body);
    return true;
}

bool Connections::restored(const tcp::Environment& env) const {
    for (std::uint32_t index = 0; index < slots_.touched(); ++index) {
        if (!slots_.is_live(index)) continue;
        const ConnectionSlot& slot = slots_[index];
        tcp::Connection copy{base::ToBeRead()};
        if (slot.tcp == nullptr) unpack(slot.place, copy);
        if (!(slot.tcp != nullptr ? *slot.tcp : copy).restored(env)) return false;
    }
    return true;
}

// Decides nothing but where memory is, so that a snapshot knows nothing of it.
void Connections::give_back(std::uint16_t tick) {
    if (tick == given_) return;
    given_ = tick;
    bodies_.give_back();
    if (static_cast<std::uint16_t>(tick - aged_) < kAge) return;
    aged_ = tick;
    bodies_.age();
}

/// What the next look at it will touch first: whether it is due, and whether it had a turn.
void Connections::prefetch_in_line(std::uint32_t body) const {
    if (body == kNone) return;
    const Body& next = bodies_[body];
    slots_.prefetch(next.owner);
    if (next.next != kNone) __builtin_prefetch(&bodies_[next.next].owner);
}

void Connections::append(std::uint32_t body) {
    Body& last = bodies_[body];
    last.previous = last_;
    last.next = kNone;
    (last_ == kNone ? first_ : bodies_[last_].next) = body;
    last_ = body;
}

void Connections::unlink(std::uint32_t body) {
    const Body& gone = bodies_[body];
    (gone.previous == kNone ? first_ : bodies_[gone.previous].next) = gone.next;
    (gone.next == kNone ? last_ : bodies_[gone.next].previous) = gone.previous;
}

std::size_t Connections::kind_of(const tcp::Connection& connection) {
    return static_cast<std::size_t>(connection.leg()) * std::size(tcp::kCongestionAlgorithms) +
           static_cast<std::size_t>(connection.recovery().congestion().algorithm());
}

void Connections::prefetch_tcp(std::uint32_t index) const {
    const ConnectionSlot& slot = slots_[index];
    if (slot.tcp == nullptr) return prefetch_packed(slot);
    slot.tcp->prefetch();
}

void Connections::prefetch_deadlines(std::uint32_t index) const {
    const ConnectionSlot& slot = slots_[index];
    if (slot.tcp == nullptr) return prefetch_packed(slot);
    slot.tcp->prefetch_deadlines();
}

void Connections::prefetch_packed(const ConnectionSlot& slot) const {
    __builtin_prefetch(blocks_.at(slot.place));
    __builtin_prefetch(blocks_.at(slot.place) + 64);
}

}  // namespace terminus::stack
