#include "config/load.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>

#include "config/reader.hpp"
#include "config/yaml.hpp"

namespace terminus::config {
namespace {

/// A file with more faults than this is the wrong file.
constexpr std::size_t kErrorsMax = 100;

std::vector<ConfigError> whole_file(const std::string& path, const std::string& message) {
    return {ConfigError{path, 0, 0, message}};
}

class Descriptor {
 public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

 private:
    int fd_;
};

base::Result<std::string, std::string> read_file(const std::string& path) {
    const auto failure = [](const std::string& what) { return base::Failure{"cannot be read: " + what}; };
    // A FIFO would make the open wait for its writer.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) return failure(std::strerror(errno));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return failure(std::strerror(errno));
    if (!S_ISREG(status.st_mode)) return failure("it is not a regular file");
    const std::string limit = std::to_string(kFileBytesMax >> 20) + " MiB";
    if (status.st_size > static_cast<off_t>(kFileBytesMax)) return failure("it is larger than " + limit);

    std::string text(kFileBytesMax + 1, '\0');  // one more than allowed: it may grow while it is read
    std::size_t used = 0;
    while (used < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + used, text.size() - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure(std::strerror(errno));
        if (got == 0) break;
        used += static_cast<std::size_t>(got);
    }
    if (used > kFileBytesMax) return failure("it is larger than " + limit);
    text.resize(used);
    return text;
}

std::vector<ConfigError> in_order(std::vector<Complaint> complaints, const std::string& filename) {
    std::stable_sort(complaints.begin(), complaints.end(),
                     [](const Complaint& a, const Complaint& b) { return a.mark < b.mark; });
    std::vector<ConfigError> errors;
    for (const Complaint& complaint : complaints) {
        errors.push_back({filename, complaint.mark.line, complaint.mark.column, complaint.message});
        if (errors.size() == kErrorsMax && complaints.size() > kErrorsMax) {
            errors.push_back(
                {filename, 0, 0, "and " + std::to_string(complaints.size() - kErrorsMax) + " more"});
            break;
        }
    }
    return errors;
}

}  // namespace

std::string ConfigError::to_string() const {
    if (line == 0) return file + ": " + message;
    return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + message;
}

base::Result<Config, std::vector<ConfigError>> load(const std::string& path, std::string* text) {
    base::Result<std::string, std::string> read = read_file(path);
    if (!read) return base::Failure{whole_file(path, read.error())};
    if (text != nullptr) *text = read.value();
    return parse(read.value(), path);
}

base::Result<Config, std::vector<ConfigError>> parse(std::string_view text, const std::string& filename) {
    if (text.size() > kFileBytesMax) return base::Failure{whole_file(filename, "is larger than 1 MiB")};
    try {
        Draft draft = read_draft(*yaml::parse(text));
        check_and_complete(draft);
        if (!draft.complaints.empty()) return base::Failure{in_order(std::move(draft.complaints), filename)};
        return std::move(draft.config);
    } catch (const yaml::Fault& fault) {
        return base::Failure{
            std::vector<ConfigError>{{filename, fault.mark.line, fault.mark.column, fault.what()}}};
    } catch (const std::exception& fault) {
        return base::Failure{whole_file(filename, std::string("cannot be read: ") + fault.what())};
    }
}

}  // namespace terminus::config
