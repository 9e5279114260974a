import java.util.List;

/**
 * Whole commands side by side: {@code Commands TITLE TARGET ROUNDS WARM-UPS SIDE...}, a side being
 * {@code +ours|+peer|+bound NAME BEFORE WORD...}.
 */
final class Commands {
  private Commands() {}

  public static void main(String[] arguments) throws Exception {
    List<String> sides = List.of(arguments).subList(4, arguments.length);
    new Comparison(
            arguments[0],
            Double.parseDouble(arguments[1]),
            Integer.parseInt(arguments[2]),
            Integer.parseInt(arguments[3]),
            CommandSide.ofKind("ours", sides),
            CommandSide.ofKind("peer", sides),
            CommandSide.ofKind("bound", sides))
        .print();
  }
}
