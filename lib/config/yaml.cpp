#include "config/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <sstream>

namespace terminus::config::yaml {
namespace {

Mark mark_of(const YAML::Mark& mark) {
    if (mark.is_null()) return {};
    return {static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1)};
}

/// Builds the tree from yaml-cpp's events.
class Builder : public YAML::EventHandler {
 public:
    void OnDocumentStart(const YAML::Mark& mark) override {
        if (root_) throw Fault(mark_of(mark), "a second YAML document begins here; a configuration is one");
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(make(Kind::Null, mark), anchor, 1);
    }
    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  const std::string& value) override {
        auto node = make(Kind::Scalar, mark);
        node->text = value;
        add(std::move(node), anchor, 1);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto known = anchors_.find(anchor);
        if (known == anchors_.end()) throw Fault(mark_of(mark), "an alias that contains itself");
        add(known->second.node, 0, known->second.size, mark_of(mark));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(Kind::Sequence, mark, anchor);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(Kind::Mapping, mark, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

    [[nodiscard]] std::shared_ptr<const Node> root() const { return root_; }

 private:
    struct Open {
        std::shared_ptr<Node> node;
        YAML::anchor_t anchor;
        std::size_t size_before;
    };
    struct Anchored {
        std::shared_ptr<const Node> node;
        std::size_t size;
    };

    static std::shared_ptr<Node> make(Kind kind, const YAML::Mark& mark) {
        auto node = std::make_shared<Node>();
        node->kind = kind;
        node->mark = mark_of(mark);
        return node;
    }

    void open(Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (stack_.size() == kDepthMax) {
            throw Fault(mark_of(mark), "nested deeper than " + std::to_string(kDepthMax) + " levels");
        }
        stack_.push_back({make(kind, mark), anchor, size_});
    }

    void close() {
        Open done = std::move(stack_.back());
        stack_.pop_back();
        // Only a finished node gets its anchor, so an alias inside of itself is not found.
        const std::size_t size = size_ - done.size_before + 1;
        size_ = done.size_before;
        add(std::move(done.node), done.anchor, size);
    }

    void add(std::shared_ptr<const Node> node, YAML::anchor_t anchor, std::size_t size) {
        const Mark mark = node->mark;
        add(std::move(node), anchor, size, mark);
    }
    void add(std::shared_ptr<const Node> node, YAML::anchor_t anchor, std::size_t size, Mark mark) {
        if (size > kNodesMax - size_) {
            throw Fault(mark, "more than " + std::to_string(kNodesMax) + " values, aliases counted in full");
        }
        size_ += size;
        if (anchor != 0) anchors_[anchor] = {node, size};
        if (stack_.empty()) {
            root_ = std::move(node);
        } else {
            stack_.back().node->items.push_back(std::move(node));
        }
    }

    std::shared_ptr<const Node> root_;
    std::vector<Open> stack_;
    std::map<YAML::anchor_t, Anchored> anchors_;
    std::size_t size_ = 0;
};

/// Bytes of the UTF-8 character that starts `text`; 0 when it is none (overlong forms are left to yaml-cpp).
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) {
        const bool control = (lead < 0x20 && lead != '\t' && lead != '\n' && lead != '\r') || lead == 0x7f;
        return control ? 0 : 1;
    }
    const std::size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                                                             : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    return length;
}

void require_text(std::string_view text) {
    Mark mark;
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        if (length == 0) {
            char hex[8];
            std::snprintf(hex, sizeof hex, "0x%02x", static_cast<unsigned char>(text[0]));
            throw Fault(mark, std::string("not a text file: byte ") + hex + " is no UTF-8 text");
        }
        mark = text[0] == '\n' ? Mark{mark.line + 1, 1} : Mark{mark.line, mark.column + 1};
        text.remove_prefix(length);
    }
}

}  // namespace

std::shared_ptr<const Node> parse(std::string_view text) {
    require_text(text);
    try {
        std::istringstream input{std::string(text)};
        YAML::Parser parser(input);
        Builder builder;
        while (parser.HandleNextDocument(builder)) {
        }
        if (!builder.root()) throw Fault({}, "the file is empty");
        return builder.root();
    } catch (const YAML::Exception& fault) {
        throw Fault(mark_of(fault.mark), "not valid YAML: " + fault.msg);
    }
}

}  // namespace terminus::config::yaml
