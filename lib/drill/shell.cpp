#include "drill/shell.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace terminus::drill {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

class ShellScanner {
 public:
    ShellScanner(std::string_view text, int line) : text_(text), line_(line) {}

    base::Result<std::vector<ShellCommand>, Fault> run() {
        while (at_ < text_.size() && !fault_)
            scan_one();
        end_command();
        if (fault_) return base::Failure{*fault_};
        return std::move(commands_);
    }

 private:
    [[nodiscard]] bool is(std::string_view what) const { return text_.substr(at_).starts_with(what); }

    void scan_one() {
        const char c = text_[at_];
        if (is_blank(c)) {
            end_word();
            skip(1);
        } else if (is("\\\n")) {
            end_word();
            skip(2);
        } else if (c == '\n' && words_.empty() && !has_word_) {
            skip(1);  // after || or |
        } else if (c == '\n' || c == ';' || is("&&")) {
            end_command();
            skip(c == '&' ? 2 : 1);
        } else if (c == '#' && !has_word_) {
            skip(std::min(text_.find('\n', at_), text_.size()) - at_);
        } else if (is("||")) {
            end_command();
            is_alternative_ = true;
            skip(2);
        } else if (c == '|') {
            end_command();
            is_piped_ = true;
            skip(1);
        } else if (c == '>' || is("2>") || is("&>")) {
            skip_redirection();
        } else if (c == '"' || c == '\'') {
            scan_quoted(c);
        } else if (c == '$') {
            scan_dollar();
        } else if (c == '<' || c == '&' || c == '(' || c == ')' || c == '*' || c == '?') {
            fail(std::string("`") + c + "` in a command is not here");
        } else {
            put(c);
            skip(1);
        }
    }

    void scan_quoted(char quote) {
        has_word_ = true;
        skip(1);
        while (!fault_ && at_ < text_.size() && text_[at_] != quote) {
            if (quote == '"' && text_[at_] == '$') {
                scan_dollar();
                continue;
            }
            put(text_[at_]);
            skip(1);
        }
        if (at_ == text_.size()) return fail("a quotation in a command that never ends");
        skip(1);
    }

    /// $((A*B)) and ${PPID}, which stands for itself.
    void scan_dollar() {
        constexpr std::string_view kPid = "${PPID}";
        if (is(kPid)) {
            for (const char c : kPid)
                put(c);
            return skip(kPid.size());
        }
        const std::size_t end = text_.find("))", at_);
        if (!is("$((") || end == std::string_view::npos) return fail("`$` in a command is not here");
        const auto value = product(text_.substr(at_ + 3, end - at_ - 3));
        if (!value) return fail("no product of numbers: " + std::string(text_.substr(at_, end + 2 - at_)));
        for (const char c : std::to_string(*value))
            put(c);
        skip(end + 2 - at_);
    }

    static std::optional<std::uint64_t> product(std::string_view factors) {
        std::uint64_t all = 1;
        while (true) {
            const std::size_t star = factors.find('*');
            std::string_view factor = factors.substr(0, star);
            while (!factor.empty() && is_blank(factor.front()))
                factor.remove_prefix(1);
            while (!factor.empty() && is_blank(factor.back()))
                factor.remove_suffix(1);
            std::uint64_t value = 0;
            const char* end = factor.data() + factor.size();
            const auto parsed = std::from_chars(factor.data(), end, value);
            if (parsed.ec != std::errc() || parsed.ptr != end || __builtin_mul_overflow(all, value, &all)) {
                return std::nullopt;
            }
            if (star == std::string_view::npos) return all;
            factors.remove_prefix(star + 1);
        }
    }

    /// > FILE, 2>&1, &> FILE: what a command prints has no reader here.
    void skip_redirection() {
        end_word();
        skip(text_[at_] == '>' ? 1 : 2);
        if (is(">")) skip(1);
        if (is("&1") || is("&2")) return skip(2);
        while (at_ < text_.size() && is_blank(text_[at_]))
            skip(1);
        while (at_ < text_.size() && !is_blank(text_[at_]) && text_[at_] != '\n' && text_[at_] != ';' &&
               text_[at_] != '&' && text_[at_] != '|') {
            target_ += text_[at_];
            skip(1);
        }
        // What is written elsewhere is meant to have an effect.
        if (target_ != "/dev/null") words_.push_back(">" + target_);
        target_.clear();
    }

    void put(char c) {
        has_word_ = true;
        word_ += c;
    }
    void end_word() {
        if (!has_word_) return;
        if (words_.empty()) command_line_ = line_;
        words_.push_back(std::exchange(word_, {}));
        has_word_ = false;
    }
    void end_command() {
        end_word();
        if (words_.empty()) return;
        commands_.push_back({command_line_, std::exchange(words_, {}), std::exchange(is_piped_, false),
                             std::exchange(is_alternative_, false)});
    }

    void skip(std::size_t length) {
        for (; length > 0 && at_ < text_.size(); --length, ++at_)
            line_ += text_[at_] == '\n' ? 1 : 0;
    }
    void fail(std::string message) {
        if (!fault_) fault_ = Fault{line_, std::move(message)};
    }

    std::string_view text_;
    int line_;
    std::size_t at_ = 0;
    int command_line_ = 0;
    std::string word_;
    std::string target_;
    bool has_word_ = false;
    bool is_piped_ = false;
    bool is_alternative_ = false;
    std::vector<std::string> words_;
    std::vector<ShellCommand> commands_;
    std::optional<Fault> fault_;
};

}  // namespace

base::Result<std::vector<ShellCommand>, Fault> scan_shell(std::string_view text, int line) {
    return ShellScanner(text, line).run();
}

}  // namespace terminus::drill
