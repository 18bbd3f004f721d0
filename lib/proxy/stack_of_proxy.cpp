#include "proxy/stack_of_proxy.hpp"

namespace terminus::stack {

template class Stack<proxy::Proxy>;

}  // namespace terminus::stack
