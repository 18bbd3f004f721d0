#include "capture/recording.hpp"

#include <utility>

namespace terminus::capture {

base::Result<Recording, std::string> Recording::load(Reader& reader, const Options&) {
    Recording recording;
    for (;;) {
        auto read = reader.next();
        if (!read) return base::Failure{read.error()};
        if (!read.value()) return recording;
        ++recording.packets_;
        recording.first_stamp_ = recording.first_stamp_.value_or(read.value()->stamp);
        recording.notes_.push_back({read.value()->number, NoteKind::NotTcp});
    }
}

}  // namespace terminus::capture
