#pragma once

#include "proxy/proxy.hpp"
#include "stack/stack.hpp"

namespace terminus::stack {

static_assert(Application<proxy::Proxy, Stack<proxy::Proxy>>);
extern template class Stack<proxy::Proxy>;  // stack_of_proxy.cpp: the pipeline is compiled once

}  // namespace terminus::stack
