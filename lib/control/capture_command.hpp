#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "control/admin_server.hpp"
#include "control/recording.hpp"
#include "control/runtime.hpp"

/// The admin socket's `capture`: recordings that begin while the process runs.
namespace terminus::control {

struct CaptureRequest {
    enum class What : std::uint8_t { Status, Begin, Stop };
    What what = What::Status;
    RecordingRequest recording;
    /// The recording goes on when who asked for it is gone.
    bool is_detached = false;
};

/// What the options ask for: none is the status. `file` is an absolute path for a new recording, and as it
/// likes `limit` in bytes, `for` as a duration (30s), `connections_max` and `detach`; `stop` comes alone.
[[nodiscard]] base::Result<CaptureRequest, std::string> capture_request(
    const std::map<std::string, std::string>& options);

/// The socket's group may not: what it asks for is a file with the rights of terminusd, wherever it likes.
[[nodiscard]] bool may_capture(const Asker& asker);

/// Lines of objects whose `state` is begun, running or ended, or none. That of a recording which is not
/// detached goes on as long as the recording does, and the recording ends with it.
[[nodiscard]] std::shared_ptr<Answer> capture_answer(Recording& recording, Runtime& runtime,
                                                     CaptureRequest request);

}  // namespace terminus::control
