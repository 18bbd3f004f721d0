#pragma once

#include "load/address_map.hpp"
#include "packet/batch.hpp"

namespace terminus::load {

/// Where two sides share a port: which of them a frame is for, by the address that it is sent to, or that it
/// asks or tells of.
class Splitter {
 public:
    /// `ours` are the first side's addresses; everything else is the second's.
    explicit Splitter(const AddressRange& ours) : ours_(ours) {}

    /// Moves all of `frames` to one or the other, which are empty.
    void split(packet::Batch& frames, packet::Batch& first, packet::Batch& second) const;

 private:
    [[nodiscard]] bool is_first(const packet::Buffer& frame) const;

    AddressRange ours_;
};

}  // namespace terminus::load
