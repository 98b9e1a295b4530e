#pragma once

// The pages of a short-lived program's heap, all at once.

#include <cstddef>

namespace redoubtful {

// Gets `bytes` of heap from the kernel in one call, pages and all, instead of one page fault each
// when they are first written to: a program that runs for 20 ms spends 2 of them on such faults in
// a virtual machine without nested page tables, and 0.1 on any other. Blocks up to `bytes` come
// from that heap from now on, and what is freed stays in it. For the start of main(), and again
// after a fork, since when every page is shared until somebody writes to it. The kernel (before
// 5.14) or the allocator may refuse without a word, as nothing but time depends on it.
void take_heap_ahead(std::size_t bytes);

}  // namespace redoubtful
