#include "control/source_port_watch.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <variant>

namespace terminus::control {
namespace {

double seconds(base::Duration span) {
    return std::chrono::duration<double>(span).count();
}

}  // namespace

void SourcePortTrend::sample(base::Instant now, const proxy::SourcePortUse& use, base::Duration time_wait) {
    const bool is_first = waited_.empty();
    if (is_first) waited_.push_back({now, 0});  // all that went before may still wait
    if (waited_.back().count != use.waited) waited_.push_back({now, use.waited});
    while (waited_.size() > 1 && waited_[1].at + time_wait <= now)
        waited_.pop_front();
    const std::uint64_t waiting = use.waited - waited_.front().count;

    const std::uint32_t taken_before = state_.used + state_.time_wait;
    state_.used = use.used;
    state_.time_wait = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(waiting, use.total - std::min(use.total, use.used)));
    const std::uint32_t taken = state_.used + state_.time_wait;
    state_.free = use.total - std::min(use.total, taken);
    if (!is_first && now > sampled_at_) {
        const double span = seconds(now - sampled_at_);
        const double rate = (static_cast<double>(taken) - static_cast<double>(taken_before)) / span;
        rate_ += (rate - rate_) * (1 - std::exp(-span / seconds(kMemory)));
    }
    sampled_at_ = now;
    state_.seconds_left =
        rate_ < kRateMin ? std::numeric_limits<double>::infinity() : static_cast<double>(state_.free) / rate_;
}

void SourcePortWatch::sample() {
    if (unanswered_ > 0) return;
    unanswered_ = mailroom_.workers();
    for (std::uint32_t worker = 0; worker < mailroom_.workers(); ++worker)
        ask(worker, 0);
}

void SourcePortWatch::ask(std::uint32_t worker, std::uint64_t cursor) {
    auto page = std::make_unique<worker::SourcePortPage>();
    page->cursor = cursor;
    page->rows.reserve(worker::SourcePortPage::kRowsMax);
    mailroom_.post(worker, worker::ListSourcePorts{std::move(page)}, [this, worker](worker::Reply&& reply) {
        const worker::SourcePortPage& filled = *std::get<worker::SourcePortsListed>(reply).page;
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        arrived(worker, filled, base::Instant{std::chrono::duration_cast<base::Duration>(now)});
        if (filled.done) {
            --unanswered_;
        } else {
            ask(worker, filled.cursor);
        }
    });
}

void SourcePortWatch::arrived(std::uint32_t worker, const worker::SourcePortPage& page, base::Instant now) {
    for (const worker::SourcePortRow& row : page.rows)
        trends_[{row.backend, worker}].sample(now, row.use, runtime_.config().tcp.time_wait);
}

std::vector<SourcePortWatch::Reading> SourcePortWatch::readings() const {
    std::vector<Reading> all;
    for (const proxy::Pool& pool : runtime_.services().pools()) {
        for (const proxy::Backend& backend : pool.backends) {
            for (std::uint32_t worker = 0; worker < mailroom_.workers(); ++worker) {
                const auto known = trends_.find({backend.id, worker});
                if (known == trends_.end()) continue;
                all.push_back({pool.name, backend.name, worker, known->second.state()});
            }
        }
    }
    return all;
}

}  // namespace terminus::control
