#include "proxy/splice.hpp"

#include <algorithm>
#include <utility>

namespace terminus::proxy {

std::uint32_t bytes_to_move(std::uint32_t readable_bytes, const SpliceRoom& room) {
    if (room.queued_buffers > 0 && room.queued_buffers >= room.buffer_share) return 0;
    if (readable_bytes <= room.send_room_bytes) return readable_bytes;
    const std::uint32_t worth_a_cut = std::min(room.write_buffer_bytes / 4, kWorthACut);
    if (room.queued_buffers > 0 && room.send_room_bytes < worth_a_cut) return 0;
    return room.send_room_bytes;
}

std::uint32_t splice(tcp::Connection& from, tcp::Connection& to, std::uint32_t buffer_share,
                     rte_mempool* pool, const tcp::Environment& env) {
    const std::uint32_t readable = from.readable_bytes();
    if (readable == 0) return 0;
    const SpliceRoom room{
        .send_room_bytes = to.send_room(env),
        .queued_buffers = to.send_queue().buffer_count(),
        .buffer_share = buffer_share,
        .write_buffer_bytes = std::min(to.send_buffer(env), env.tunables.notsent_lowat),
    };
    const std::uint32_t wanted = bytes_to_move(readable, room);
    if (wanted == 0) return 0;
    packet::ByteQueue bytes = from.take_received(wanted, pool, env);
    const std::uint32_t moved = bytes.size_bytes();
    // What doesn't fill a segment waits while the rest of it is here, or is on its way by the peer's own
    // word.
    const bool more = env.tunables.autocorking && (moved < readable || from.expects_more());
    if (moved > 0) to.send(std::move(bytes), env, more);
    return moved;
}

}  // namespace terminus::proxy
