#pragma once

#include <string>
#include <utility>

namespace terminus::simulation {

/// The first thing that went wrong in a run; what follows from it is not looked at.
class Verdict {
 public:
    [[nodiscard]] bool is_good() const { return text_.empty(); }
    void fail(std::string text) {
        if (is_good()) text_ = std::move(text);
    }
    [[nodiscard]] const std::string& text() const { return text_; }

 private:
    std::string text_;
};

}  // namespace terminus::simulation
