/** One way of doing what is compared. */
interface Side {
  /** As it is printed. */
  String name();

  /** Before every run, not timed. Cold: what caches it needs are to be dropped. */
  default void prepare(int number, boolean cold) throws Exception {}

  /** The timed part; the number is new each time. */
  void run(int number) throws Exception;

  /** After every run, not timed. */
  default void tidy(int number) throws Exception {}
}
