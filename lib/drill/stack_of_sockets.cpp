#include "drill/socket_table.hpp"

namespace terminus::stack {

static_assert(Application<drill::SocketTable, Stack<drill::SocketTable>>);
template class Stack<drill::SocketTable>;

}  // namespace terminus::stack
