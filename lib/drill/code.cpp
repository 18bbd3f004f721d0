#include "drill/code.hpp"

#include <netinet/tcp.h>

#include <array>
#include <utility>
#include <vector>

#include "drill/code_expression.hpp"

namespace terminus::drill {
namespace {

constexpr std::array<std::string_view, 9> kAssignments{
    "+=", "-=", "*=", "//=", "%=", "&=", "|=", "^=", "<<="};
constexpr std::array<std::string_view, 14> kStatementsNotHere{"if",    "for",    "while",  "def",   "import",
                                                              "from",  "return", "try",    "raise", "with",
                                                              "class", "del",    "global", "lambda"};

/// One %{ }%.
class Statements {
 public:
    Statements(std::string_view code, const std::vector<CodeToken>& tokens, const Symbols& symbols,
               CodeVariables& variables, std::string& printed)
        : code_(code), variables_(variables), printed_(printed), expression_(tokens, variables, symbols) {}

    base::Result<void, Fault> run() {
        while (!expression_.fault() && expression_.peek().kind != CodeToken::Kind::End) {
            if (expression_.peek().kind == CodeToken::Kind::NewStatement) {
                expression_.take();
                continue;
            }
            run_one();
            if (expression_.fault()) break;
            if (expression_.peek().kind != CodeToken::Kind::NewStatement)
                expression_.fail("`" + expression_.peek().text + "` is not expected here");
        }
        if (expression_.fault()) return base::Failure{*expression_.fault()};
        return {};
    }

 private:
    void run_one() {
        const CodeToken& first = expression_.peek();
        for (const std::string_view word : kStatementsNotHere) {
            if (expression_.is(word)) return expression_.fail('`' + std::string(word) + "` is not here");
        }
        if (expression_.accept("pass")) return;
        if (expression_.is("assert")) return run_assert(first.line);
        if (expression_.is("print") && expression_.is("(", 1)) return run_print();
        if (first.kind == CodeToken::Kind::Name) {
            if (expression_.is("=", 1)) return run_assignment(first.text, "=");
            for (const std::string_view op : kAssignments)
                if (expression_.is(op, 1)) return run_assignment(first.text, op);
        }
        expression_.fail("`" + first.text + "` begins no statement that is understood here");
    }

    void run_assert(int line) {
        expression_.take();
        expression_.clear_names_read();
        const std::size_t begin = expression_.peek().at;
        const bool holds = expression_.conditional().is_true();
        std::string_view condition = code_.substr(begin, expression_.peek().at - begin);
        while (!condition.empty() && (condition.back() == ' ' || condition.back() == '\n'))
            condition.remove_suffix(1);
        const std::string names = expression_.names_read();
        std::string message;
        if (expression_.accept(",")) message = to_string(expression_.conditional());
        if (expression_.fault() || holds) return;
        std::string text = "assertion failed: " + std::string(condition);
        if (!names.empty()) text += "; " + names;
        if (!message.empty()) text += " (" + message + ')';
        expression_.fail_at(line, std::move(text));
    }

    void run_print() {
        expression_.take();
        expression_.take();
        std::string line;
        while (!expression_.fault() && !expression_.is(")")) {
            line += (line.empty() ? "" : " ") + to_string(expression_.conditional());
            if (!expression_.accept(",")) break;
        }
        if (expression_.expect(")")) printed_ += line + '\n';
    }

    void run_assignment(const std::string& name, std::string_view op) {
        const std::string target = name;
        const CodeValue before = op == "=" ? CodeValue{} : expression_.read(target);
        expression_.take();
        expression_.take();
        CodeValue value = expression_.conditional();
        if (op != "=") value = expression_.apply(op.substr(0, op.size() - 1), before, value);
        if (!expression_.fault()) variables_.insert_or_assign(target, std::move(value));
    }

    std::string_view code_;
    CodeVariables& variables_;
    std::string& printed_;
    CodeExpression expression_;
};

}  // namespace

base::Result<void, Fault> CodeRunner::run(std::string_view text, int line, const Symbols& symbols) {
    auto tokens = scan_code(text, line);
    if (!tokens) return base::Failure{tokens.error()};
    return Statements(text, tokens.value(), symbols, variables_, printed_).run();
}

const Symbols& code_constants() {
    static const Symbols constants{
        {"TCP_ESTABLISHED", TCP_ESTABLISHED},
        {"TCP_SYN_SENT", TCP_SYN_SENT},
        {"TCP_SYN_RECV", TCP_SYN_RECV},
        {"TCP_FIN_WAIT1", TCP_FIN_WAIT1},
        {"TCP_FIN_WAIT2", TCP_FIN_WAIT2},
        {"TCP_TIME_WAIT", TCP_TIME_WAIT},
        {"TCP_CLOSE", TCP_CLOSE},
        {"TCP_CLOSE_WAIT", TCP_CLOSE_WAIT},
        {"TCP_LAST_ACK", TCP_LAST_ACK},
        {"TCP_LISTEN", TCP_LISTEN},
        {"TCP_CLOSING", TCP_CLOSING},
        {"TCP_CA_Open", TCP_CA_Open},
        {"TCP_CA_Disorder", TCP_CA_Disorder},
        {"TCP_CA_CWR", TCP_CA_CWR},
        {"TCP_CA_Recovery", TCP_CA_Recovery},
        {"TCP_CA_Loss", TCP_CA_Loss},
        {"TCPI_OPT_TIMESTAMPS", TCPI_OPT_TIMESTAMPS},
        {"TCPI_OPT_SACK", TCPI_OPT_SACK},
        {"TCPI_OPT_WSCALE", TCPI_OPT_WSCALE},
        {"TCPI_OPT_ECN", TCPI_OPT_ECN},
        {"TCPI_OPT_ECN_SEEN", TCPI_OPT_ECN_SEEN},
        {"TCPI_OPT_SYN_DATA", TCPI_OPT_SYN_DATA},
    };
    return constants;
}

}  // namespace terminus::drill
