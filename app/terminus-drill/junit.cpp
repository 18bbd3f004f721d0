#include "junit.hpp"

#include <algorithm>
#include <cstdio>

namespace terminusdrill {
namespace {

using terminus::drill::Verdict;

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

std::string testcase(const Finished& finished) {
    const terminus::drill::RunResult& result = finished.result;
    std::string text = "  <testcase classname=\"terminus-drill\" name=\"" + escaped(finished.file) +
                       "\" time=\"" + seconds_text(finished.seconds) + '"';
    if (result.verdict == Verdict::Passed) return text + "/>\n";
    const std::string message = escaped(result.fault.message);
    if (result.verdict == Verdict::Skipped)
        return text + "><skipped message=\"" + message + "\"/></testcase>\n";
    return text + "><failure message=\"" + message + "\">" +
           escaped(terminus::drill::report(finished.file, result)) + "</failure></testcase>\n";
}

}  // namespace

std::string junit(const std::vector<Finished>& all) {
    const auto count = [&](Verdict verdict) {
        return std::count_if(all.begin(), all.end(),
                             [&](const Finished& one) { return one.result.verdict == verdict; });
    };
    double seconds = 0;
    std::string cases;
    for (const Finished& finished : all) {
        seconds += finished.seconds;
        cases += testcase(finished);
    }
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"terminus-drill\" tests=\"" +
           std::to_string(all.size()) + "\" failures=\"" + std::to_string(count(Verdict::Failed)) +
           "\" skipped=\"" + std::to_string(count(Verdict::Skipped)) + "\" errors=\"0\" time=\"" +
           seconds_text(seconds) + "\">\n" + cases + "</testsuite>\n";
}

}  // namespace terminusdrill
