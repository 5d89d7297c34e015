// Where the time goes: while a Profile lives, every operation of its thread is timed.
//
//   Profile profile;
//   train_one_epoch();
//   std::puts(profile.table().c_str());
#pragma once

#include <span>
#include <string>
#include <vector>
#include <xtape/autograd/tape.hpp>

namespace xtape {

/// Counts the operations of this thread, forward and backward, by their name and the user's line.
/// Several may be alive at once; each sees all operations of its time.
class Profile {
 public:
  struct Row {
    std::string op;
    Location where;
    bool backward;  ///< its vjp, with everything that it computed
    std::int64_t calls;
    double seconds;      ///< forward: from when the operation got its last argument
    std::int64_t bytes;  ///< of the inputs and outputs; backward: of the gradients that arrived
  };

  Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// What was counted so far, the most time first.
  std::vector<Row> rows() const;
  /// The same as a table with shares of the whole, the last line of which is the total.
  std::string table() const;

 private:
  friend struct Profiler;
  std::vector<Row> rows_;
  Profile* outer_;
};

namespace detail {

/// Tells the profiles of this thread what has ended.
void operation_ends(const char* op, const Location& where, std::span<const Operand> inputs,
                    std::span<const Tensor> outputs);
/// Runs the vjp of a node and tells the profiles.
void profile_vjp(Node& node, Backward& backward);

}  // namespace detail

}  // namespace xtape
