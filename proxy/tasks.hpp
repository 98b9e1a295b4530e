#pragma once

// Two coroutines side by side on the one thread.
//
// Both are always awaited to their end: who wants to end one early closes the stream that it waits
// on. An exception in either is rethrown when both have ended.
//
// g++ 12.2 miscompiles a capturing lambda inside a co_await expression: name tasks on a line of
// their own, `auto up = f(); … co_await both(std::move(up), std::move(down))` (lint).

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <tuple>

#include "proxy/message.hpp"

namespace redoubtful::proxy {

template <class A, class B>
Awaitable<std::tuple<A, B>> both(Awaitable<A> first, Awaitable<B> second) {
  namespace asio = boost::asio;
  const auto executor = co_await asio::this_coro::executor;
  auto group = asio::experimental::make_parallel_group(
      asio::co_spawn(executor, std::move(first), asio::deferred),
      asio::co_spawn(executor, std::move(second), asio::deferred));
  auto [order, error1, a, error2, b] =
      co_await group.async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
  if (error1) std::rethrow_exception(error1);
  if (error2) std::rethrow_exception(error2);
  co_return std::tuple<A, B>(std::move(a), std::move(b));
}

}  // namespace redoubtful::proxy
