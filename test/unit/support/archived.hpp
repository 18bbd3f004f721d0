#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/archive.hpp"

/// Objects that have an archive() (base/archive.hpp), as bytes and back.
namespace terminus::test {

template <typename Object>
std::vector<std::uint8_t> archived(Object& object) {
    base::ArchiveWriter writer(0);
    object.archive(writer);
    return std::move(writer).finish(1);
}

/// Reads `bytes` into `object` by a `Reader`; the fault, empty when there is none.
template <typename Reader = base::ArchiveReader, typename Object, typename... Given>
std::string read_archive(base::Bytes bytes, Object& object, const Given&... given) {
    const auto content = base::ArchiveReader::open(bytes, 1);
    REQUIRE(content.ok());
    Reader reader(content.value(), given...);
    object.archive(reader);
    if (reader.ok()) REQUIRE(reader.at_end());
    return reader.ok() ? "" : reader.fault();
}

/// Makes `copy`, which is as new, what `object` is; from then on they are not to be told apart by their
/// bytes.
template <typename Reader = base::ArchiveReader, typename Object, typename... Given>
void copy_by_archive(Object& object, Object& copy, const Given&... given) {
    const std::vector<std::uint8_t> bytes = archived(object);
    REQUIRE(read_archive<Reader>(bytes, copy, given...).empty());
    REQUIRE(archived(copy) == bytes);
}

/// The same content under a header of its own, for bytes that were changed.
inline void reseal(std::vector<std::uint8_t>& archive) {
    base::ArchiveHeader header;
    std::memcpy(&header, archive.data(), sizeof header);
    header.length = archive.size() - sizeof header;
    header.digest = base::digest_of(base::Bytes(archive).subspan(sizeof header));
    std::memcpy(archive.data(), &header, sizeof header);
}

}  // namespace terminus::test
