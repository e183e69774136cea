#include "app/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "app/pixel_gate.h"

namespace pristine {
namespace {

TEST(BoundedQueue, GivesItemsInTheirOrder) {
  BoundedQueue<std::unique_ptr<int>> queue(2);
  std::jthread producer([&] {
    for (int i = 0; i < 1000; ++i) queue.put(std::make_unique<int>(i));
    queue.close();
  });
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(**queue.take(), i);
  EXPECT_FALSE(queue.take());
}

TEST(BoundedQueue, HoldsNoMoreThanItsCapacity) {
  BoundedQueue<int> queue(2);
  std::atomic<int> inside{0};
  std::jthread producer([&] {
    for (int i = 0; i < 10; ++i) {
      queue.put(i);
      ++inside;
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(inside, 2);
  for (int i = 0; i < 10; ++i) queue.take();
}

TEST(BoundedQueue, DropsItemsOnceClosedAndGivesWhatIsInside) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.put(1));
  queue.close();
  EXPECT_FALSE(queue.put(2));
  EXPECT_EQ(queue.take(), 1);
  EXPECT_EQ(queue.take(), std::nullopt);
}

TEST(BoundedQueue, WakesAWaitingProducerWhenClosed) {
  BoundedQueue<int> queue(1);
  queue.put(1);
  std::jthread producer([&] { EXPECT_FALSE(queue.put(2)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  queue.close();
}

TEST(BoundedQueue, TriesWithoutWaiting) {
  BoundedQueue<int> queue(1);
  EXPECT_EQ(queue.tryTake(), std::nullopt);
  queue.put(5);
  EXPECT_EQ(queue.tryTake(), 5);
}

TEST(PixelGate, LetsInWhatFits) {
  PixelGate gate(10);
  EXPECT_TRUE(gate.enter(6));
  EXPECT_TRUE(gate.enter(4));
  std::atomic<bool> inside{false};
  std::jthread other([&] { inside = gate.enter(3); });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(inside);
  gate.leave(4);
  other.join();
  EXPECT_TRUE(inside);
}

TEST(PixelGate, LetsALargePictureInAlone) {
  PixelGate gate(10);
  EXPECT_TRUE(gate.enter(100));
  std::atomic<bool> inside{false};
  std::jthread other([&] { inside = gate.enter(1); });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_FALSE(inside);
  gate.leave(100);
  other.join();
  EXPECT_TRUE(inside);
}

TEST(PixelGate, TurnsAwayOnceClosed) {
  PixelGate gate(10);
  gate.enter(10);
  std::jthread other([&] { EXPECT_FALSE(gate.enter(1)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  gate.close();
}

}  // namespace
}  // namespace pristine
