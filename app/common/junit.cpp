#include "common/junit.hpp"

#include <algorithm>
#include <cstdio>

namespace terminus::app {
namespace {

using Outcome = JunitCase::Outcome;

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '<') {
            out += "&lt;";
        } else if (c == '>') {
            out += "&gt;";
        } else if (c == '&') {
            out += "&amp;";
        } else if (c == '"') {
            out += "&quot;";
        } else if (byte < 0x20 && c != '\n' && c != '\t') {
            out += '?';  // XML 1.0 has no way to write it
        } else {
            out += c;
        }
    }
    return out;
}

std::string seconds_text(double seconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6f", seconds);
    return text;
}

std::string testcase(const std::string& suite, const JunitCase& one) {
    const std::string text = "  <testcase classname=\"" + escaped(suite) + "\" name=\"" + escaped(one.name) +
                             "\" time=\"" + seconds_text(one.seconds) + '"';
    const std::string message = escaped(one.message);
    switch (one.outcome) {
        case Outcome::Passed:
            break;
        case Outcome::Skipped:
            return text + "><skipped message=\"" + message + "\"/></testcase>\n";
        case Outcome::Failed:
            return text + "><failure message=\"" + message + "\">" + escaped(one.details) +
                   "</failure></testcase>\n";
    }
    return text + "/>\n";
}

}  // namespace

std::string junit(const std::string& suite, const std::vector<JunitCase>& all) {
    const auto count = [&](Outcome outcome) {
        return std::count_if(all.begin(), all.end(),
                             [&](const JunitCase& one) { return one.outcome == outcome; });
    };
    double seconds = 0;
    std::string cases;
    for (const JunitCase& one : all) {
        seconds += one.seconds;
        cases += testcase(suite, one);
    }
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" + escaped(suite) + "\" tests=\"" +
           std::to_string(all.size()) + "\" failures=\"" + std::to_string(count(Outcome::Failed)) +
           "\" skipped=\"" + std::to_string(count(Outcome::Skipped)) + "\" errors=\"0\" time=\"" +
           seconds_text(seconds) + "\">\n" + cases + "</testsuite>\n";
}

}  // namespace terminus::app
