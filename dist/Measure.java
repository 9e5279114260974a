import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ImportTree;
import com.sun.source.tree.LineMap;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Measures the sources below the current folder: sizes, lengths of methods, numbers of parameters,
 * names that stand twice, who uses the wire's types, and circles between packages and between C
 * files. Java is parsed by the compiler, C by its layout: a function begins in column one.
 */
final class Measure {
  static final int FILE_LINES = 450;
  static final int METHOD_LINES = 60;
  static final int PARAMETERS = 7;

  /**
   * A method or constructor with a body; a record's own constructor is data and does not count as
   * one.
   */
  record Method(String where, String name, int lines, int parameters, boolean constructor) {}

  record JavaFile(
      Path path, String packageName, List<String> imports, List<String> types, int lines) {
    boolean isMain() {
      return path.toString().contains("/src/main/");
    }

    String module() {
      return path.toString().replaceFirst("/src/.*", "");
    }
  }

  /** What was measured, and whether a budget is broken by it. */
  record Finding(String name, Collection<String> list, boolean budget) {}

  private final List<JavaFile> files = new ArrayList<>();
  private final List<Method> methods = new ArrayList<>();
  private final List<Method> testMethods = new ArrayList<>();

  public static void main(String[] arguments) throws IOException {
    boolean check = List.of(arguments).equals(List.of("--check"));
    if (arguments.length > 0 && !check) {
      System.err.println("usage: dist/measure [--check]");
      System.exit(125);
    }
    Measure measure = new Measure();
    measure.parse();
    List<Finding> findings = measure.findings();
    if (!check) {
      measure.print(findings);
      return;
    }
    boolean broken = false;
    for (Finding finding : findings) {
      if (finding.budget() && !finding.list().isEmpty()) {
        broken = true;
        System.err.println(finding.name() + ": " + finding.list().size());
        finding.list().forEach(line -> System.err.println("  " + line));
      }
    }
    System.exit(broken ? 1 : 0);
  }

  private static List<Path> sources(String ending) throws IOException {
    try (Stream<Path> tree = Files.walk(Path.of("."))) {
      return tree.filter(path -> path.toString().endsWith(ending))
          .map(path -> Path.of(".").relativize(path))
          .filter(path -> !("/" + path).contains("/target/"))
          .sorted()
          .toList();
    }
  }

  private void parse() throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null)) {
      JavacTask task =
          (JavacTask)
              compiler.getTask(
                  null,
                  manager,
                  null,
                  List.of("-proc:none"),
                  null,
                  manager.getJavaFileObjectsFromPaths(sources(".java")));
      SourcePositions positions = Trees.instance(task).getSourcePositions();
      for (CompilationUnitTree unit : task.parse()) {
        read(unit, positions);
      }
    }
  }

  private void read(CompilationUnitTree unit, SourcePositions positions) throws IOException {
    Path path = Path.of("").toAbsolutePath().relativize(Path.of(unit.getSourceFile().toUri()));
    List<String> imports =
        unit.getImports().stream()
            .map(ImportTree::getQualifiedIdentifier)
            .map(Object::toString)
            .toList();
    List<String> types =
        unit.getTypeDecls().stream()
            .filter(ClassTree.class::isInstance)
            .map(type -> ((ClassTree) type).getSimpleName().toString())
            .toList();
    String packageName = unit.getPackage() == null ? "" : unit.getPackageName().toString();
    files.add(new JavaFile(path, packageName, imports, types, Files.readAllLines(path).size()));
    LineMap lines = unit.getLineMap();
    List<Method> into = path.toString().contains("/src/main/") ? methods : testMethods;
    new TreeScanner<Void, Void>() {
      private boolean inRecord;

      @Override
      public Void visitClass(ClassTree type, Void unused) {
        boolean outer = inRecord;
        inRecord = type.getKind() == Tree.Kind.RECORD;
        super.visitClass(type, unused);
        inRecord = outer;
        return null;
      }

      @Override
      public Void visitMethod(MethodTree method, Void unused) {
        if (method.getBody() != null) {
          // From the line of the name, so that neither Javadoc nor annotations count.
          Tree first = method.getReturnType() == null ? method.getBody() : method.getReturnType();
          long begin = lines.getLineNumber(positions.getStartPosition(unit, first));
          long end = lines.getLineNumber(positions.getEndPosition(unit, method.getBody()));
          into.add(
              new Method(
                  path + ":" + begin,
                  method.getName().toString(),
                  (int) (end - begin + 1),
                  method.getParameters().size(),
                  method.getReturnType() == null && !inRecord));
        }
        return super.visitMethod(method, unused);
      }
    }.scan(unit, null);
  }

  private List<Finding> findings() throws IOException {
    List<Finding> findings = new ArrayList<>();
    findings.add(
        new Finding(
            "files above " + FILE_LINES + " lines",
            files.stream()
                .filter(file -> file.lines() > FILE_LINES)
                .map(file -> file.path() + ": " + file.lines())
                .toList(),
            true));
    findings.add(
        new Finding(
            "methods above " + METHOD_LINES + " lines",
            Stream.concat(methods.stream(), testMethods.stream())
                .filter(method -> method.lines() > METHOD_LINES)
                .map(method -> method.where() + " " + method.name() + ": " + method.lines())
                .toList(),
            true));
    findings.add(
        new Finding(
            "constructors above " + PARAMETERS + " parameters",
            methods.stream()
                .filter(Method::constructor)
                .filter(method -> method.parameters() > PARAMETERS)
                .map(method -> method.where() + ": " + method.parameters())
                .toList(),
            true));
    findings.add(new Finding("names of two classes", sameNames(), true));
    findings.add(new Finding("domain files on generated types", onGeneratedTypes(), true));
    findings.add(new Finding("circles of packages", circles(packages()), true));
    findings.add(new Finding("circles of C files", circles(functionUse()), true));
    return findings;
  }

  private List<String> sameNames() {
    Map<String, Set<String>> byName = new TreeMap<>();
    for (JavaFile file : files) {
      if (file.isMain() && file.path().toString().indexOf("bench/") != 0) {
        for (String type : file.types()) {
          byName.computeIfAbsent(type, _ -> new TreeSet<>()).add(file.packageName());
        }
      }
    }
    return byName.entrySet().stream()
        .filter(entry -> entry.getValue().size() > 1)
        .map(entry -> entry.getKey() + " " + entry.getValue())
        .toList();
  }

  /** Outside packages named api or client, and outside the command line, which is a client. */
  private List<String> onGeneratedTypes() {
    return files.stream()
        .filter(JavaFile::isMain)
        .filter(file -> file.module().matches("(containerd|image|network)-svc|shim"))
        .filter(file -> !file.packageName().matches(".*\\.(api|client)(\\..*)?"))
        .filter(file -> file.imports().stream().anyMatch(name -> name.startsWith("io.berth.api.")))
        .map(file -> file.path().toString())
        .toList();
  }

  private Map<String, Set<String>> packages() {
    Map<String, Set<String>> uses = new TreeMap<>();
    for (JavaFile file : files) {
      if (file.isMain()) {
        Set<String> used = uses.computeIfAbsent(file.packageName(), _ -> new TreeSet<>());
        for (String name : file.imports()) {
          if (name.startsWith("io.berth.")) {
            used.add(name.replaceFirst("\\.[A-Z].*", ""));
          }
        }
        used.remove(file.packageName());
      }
    }
    return uses;
  }

  private static final Pattern FUNCTION =
      Pattern.compile("(?m)^(?!static|typedef|#)[a-z][\\w *]*?\\b(\\w+)\\([^;{]*\\)\\s*\\{");

  /** Which C file calls functions of which other one. */
  private static Map<String, Set<String>> functionUse() throws IOException {
    Map<String, String> texts = new TreeMap<>();
    Map<String, String> home = new HashMap<>();
    for (Path path : sources(".c")) {
      if (path.toString().contains("src/main/c")) {
        String text =
            Files.readString(path)
                .replaceAll("(?s)/\\*.*?\\*/", "")
                .replaceAll("//[^\\n]*", "")
                .replaceAll("\"(\\\\.|[^\"\\\\])*\"", "\"\"");
        String name = path.getFileName().toString();
        texts.put(name, text);
        Matcher function = FUNCTION.matcher(text);
        while (function.find()) {
          home.put(function.group(1), name);
        }
      }
    }
    Map<String, Set<String>> uses = new TreeMap<>();
    texts.forEach((name, text) -> {
      Set<String> used = uses.computeIfAbsent(name, _ -> new TreeSet<>());
      Matcher word = Pattern.compile("\\b[a-z_]\\w*\\b").matcher(text);
      while (word.find()) {
        String owner = home.get(word.group());
        if (owner != null && !owner.equals(name) && !owner.equals("main")) {
          used.add(owner);
        }
      }
    });
    return uses;
  }

  /** The strongly connected parts with more than one member, as Tarjan finds them. */
  private static List<String> circles(Map<String, Set<String>> uses) {
    List<String> found = new ArrayList<>();
    Map<String, Integer> index = new HashMap<>();
    Map<String, Integer> low = new HashMap<>();
    Deque<String> stack = new ArrayDeque<>();
    Set<String> onStack = new HashSet<>();
    for (String node : uses.keySet()) {
      if (!index.containsKey(node)) {
        visit(node, uses, index, low, stack, onStack, found);
      }
    }
    return found;
  }

  private static void visit(
      String node,
      Map<String, Set<String>> uses,
      Map<String, Integer> index,
      Map<String, Integer> low,
      Deque<String> stack,
      Set<String> onStack,
      List<String> found) {
    index.put(node, index.size());
    low.put(node, index.get(node));
    stack.push(node);
    onStack.add(node);
    for (String next : uses.getOrDefault(node, Set.of())) {
      if (!index.containsKey(next)) {
        visit(next, uses, index, low, stack, onStack, found);
        low.merge(node, low.get(next), Math::min);
      } else if (onStack.contains(next)) {
        low.merge(node, index.get(next), Math::min);
      }
    }
    if (low.get(node).equals(index.get(node))) {
      Set<String> members = new TreeSet<>();
      String member;
      do {
        member = stack.pop();
        onStack.remove(member);
        members.add(member);
      } while (!member.equals(node));
      if (members.size() > 1) {
        found.add(members.size() + " " + members);
      }
    }
  }

  private static int percentile(List<Method> of, double share) {
    List<Integer> sorted = of.stream().map(Method::lines).sorted().toList();
    return sorted.isEmpty() ? 0 : sorted.get((int) Math.ceil(share * sorted.size()) - 1);
  }

  private void print(List<Finding> findings) throws IOException {
    for (boolean main : new boolean[] {true, false}) {
      List<JavaFile> these = files.stream().filter(file -> file.isMain() == main).toList();
      System.out.printf(
          "java %-5s %5d files %6d lines%n",
          main ? "main" : "test", these.size(), these.stream().mapToInt(JavaFile::lines).sum());
    }
    int lines = 0;
    List<Path> c = new ArrayList<>(sources(".c"));
    c.addAll(sources(".h"));
    for (Path path : c) {
      lines += Files.readAllLines(path).size();
    }
    System.out.printf("c          %5d files %6d lines%n", c.size(), lines);
    System.out.printf(
        "methods of main: %d; lines at median, p90, p99: %d, %d, %d%n",
        methods.size(),
        percentile(methods, 0.5),
        percentile(methods, 0.9),
        percentile(methods, 0.99));
    System.out.printf("packages of main: %d%n", packages().size());
    for (Finding finding : findings) {
      System.out.println(finding.name() + ": " + finding.list().size());
      finding.list().forEach(line -> System.out.println("  " + line));
    }
  }
}
