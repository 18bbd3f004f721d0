#include "condition.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace terminus::app {
namespace {

constexpr std::size_t kNearMax = 5;

/// Letters to change, add or leave out to get from one word to the other (Levenshtein).
std::size_t distance(const std::string& one, const std::string& other) {
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < one.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < other.size(); ++j) {
            const std::size_t changed = diagonal + (one[i] == other[j] ? 0 : 1);
            diagonal = std::exchange(row[j + 1], std::min({changed, row[j] + 1, row[j + 1] + 1}));
        }
    }
    return row.back();
}

/// The words that are most like `word`: those that hold it first.
std::string nearest(const std::string& word, const std::set<std::string>& words) {
    std::vector<std::pair<std::size_t, std::string>> ranked;
    for (const std::string& candidate : words) {
        const bool holds = candidate.find(word) != std::string::npos;
        ranked.emplace_back(holds ? 0 : distance(word, candidate), candidate);
    }
    std::sort(ranked.begin(), ranked.end());
    if (ranked.size() > kNearMax) ranked.resize(kNearMax);
    std::string text;
    for (const auto& [rank, candidate] : ranked)
        text += (text.empty() ? "" : ", ") + candidate;
    return text;
}

[[noreturn]] void unknown(const Condition& condition, const std::string& what, const std::string& word,
                          const std::set<std::string>& words) {
    throw std::runtime_error("--assert '" + condition.text + "': there is no " + what + " " + word +
                             "; near are " + nearest(word, words));
}

bool matches(const Number& number, const Condition& condition) {
    return number.name == condition.name &&
           std::all_of(condition.labels.begin(), condition.labels.end(),
                       [&](const auto& label) { return number.label(label.first) == label.second; });
}

// Why nothing has the condition's name and labels.
[[noreturn]] void explain(const Condition& condition, const std::vector<Number>& numbers) {
    std::set<std::string> names;
    for (const Number& number : numbers)
        names.insert(number.name);
    if (!names.contains(condition.name)) unknown(condition, "number", condition.name, names);
    for (const auto& [key, value] : condition.labels) {
        std::set<std::string> keys, values;
        for (const Number& number : numbers) {
            if (number.name != condition.name) continue;
            for (const auto& [own_key, own_value] : number.labels) {
                keys.insert(own_key);
                if (own_key == key) values.insert(own_value);
            }
        }
        if (!keys.contains(key)) unknown(condition, "label", key, keys);
        if (!values.contains(value)) unknown(condition, key, value, values);
    }
    throw std::runtime_error("--assert '" + condition.text + "': nothing has all of these labels");
}

/// A condition's words from its front; what is not there is an error.
class Words {
 public:
    explicit Words(const std::string& text) : text_(text), rest_(text) {}

    /// Takes the word if it comes next.
    bool take(std::string_view word) {
        skip_blanks();
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    void expect(std::string_view word) {
        if (!take(word)) fail();
    }
    std::string name() {
        skip_blanks();
        return taken(
            rest_.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"));
    }
    std::string quoted() {
        expect("\"");
        const std::string value(rest_.substr(0, rest_.find('"')));
        rest_.remove_prefix(value.size());
        expect("\"");
        return value;
    }
    std::string comparison() {
        for (const std::string_view word : {"==", "!=", "<=", ">=", "<", ">"}) {
            if (take(word)) return std::string(word);
        }
        fail();
    }
    /// The last of all.
    double number() {
        skip_blanks();
        const std::string digits = taken(rest_.find_first_not_of("0123456789."));
        skip_blanks();
        char* end = nullptr;
        const double value = std::strtod(digits.c_str(), &end);
        if (*end != 0 || !rest_.empty()) fail();
        return value;
    }

 private:
    void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size())); }
    std::string taken(std::size_t length) {
        const std::string word(rest_.substr(0, length));
        if (word.empty()) fail();
        rest_.remove_prefix(word.size());
        return word;
    }
    [[noreturn]] void fail() const {
        throw std::runtime_error("--assert '" + text_ +
                                 "': a condition is NAME{LABEL=\"VALUE\",...} == NUMBER, or != < <= > >=");
    }

    const std::string& text_;
    std::string_view rest_;
};

}  // namespace

Condition parse_condition(const std::string& text) {
    Words words(text);
    Condition condition;
    condition.text = text;
    condition.name = short_name(words.name());
    if (words.take("{")) {
        do {
            const std::string label = words.name();
            words.expect("=");
            condition.labels.emplace_back(label, words.quoted());
        } while (words.take(","));
        words.expect("}");
    }
    condition.comparison = words.comparison();
    condition.bound = words.number();
    return condition;
}

Judgement judge(const Condition& condition, const std::vector<Number>& numbers) {
    Judgement result;
    bool any = false;
    for (const Number& number : numbers) {
        if (!matches(number, condition)) continue;
        any = true;
        result.value += number.value;
    }
    if (!any) explain(condition, numbers);
    const double value = result.value, bound = condition.bound;
    const std::string& how = condition.comparison;
    result.holds = how == "=="   ? value == bound
                   : how == "!=" ? value != bound
                   : how == "<"  ? value < bound
                   : how == "<=" ? value <= bound
                   : how == ">"  ? value > bound
                                 : value >= bound;
    return result;
}

}  // namespace terminus::app
