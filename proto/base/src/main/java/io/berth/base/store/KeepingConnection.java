package io.berth.base.store;

import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sqlite.SQLiteConfig;
import org.sqlite.jdbc4.JDBC4Connection;
import org.sqlite.jdbc4.JDBC4PreparedStatement;

/**
 * A connection that keeps prepared statements when they are closed, and hands them out again for
 * the same text: to parse one takes longer than to run it. One thread at a time.
 */
final class KeepingConnection extends JDBC4Connection {
  /** Different texts; the one that was used longest ago goes first. */
  private static final int MAX_KEPT = 128;

  private final Map<String, Kept> idle =
      new LinkedHashMap<>(16, 0.75f, /* accessOrder= */ true) {
        private static final long serialVersionUID = 1;
      };

  KeepingConnection(Path file) throws SQLException {
    super("jdbc:sqlite:" + file, file.toString(), properties());
  }

  private static java.util.Properties properties() {
    SQLiteConfig config = new SQLiteConfig();
    // Nobody asks for them, and each insert would run a second statement.
    config.setGetGeneratedKeys(false);
    return config.toProperties();
  }

  @Override
  public PreparedStatement prepareStatement(String sql, int type, int concurrency, int holdability)
      throws SQLException {
    checkOpen();
    Kept kept = idle.remove(sql);
    return kept == null ? new Kept(this, sql) : kept;
  }

  @Override
  public void close() throws SQLException {
    List<Kept> all = new ArrayList<>(idle.values());
    idle.clear();
    for (Kept each : all) {
      each.discard();
    }
    super.close();
  }

  private void keep(Kept statement) throws SQLException {
    Kept twin = idle.put(statement.text(), statement);
    if (twin != null) {
      twin.discard();
    }
    if (idle.size() > MAX_KEPT) {
      var eldest = idle.entrySet().iterator();
      Kept gone = eldest.next().getValue();
      eldest.remove();
      gone.discard();
    }
  }

  private static final class Kept extends JDBC4PreparedStatement {
    private final KeepingConnection home;

    Kept(KeepingConnection home, String sql) throws SQLException {
      super(home, sql);
      this.home = home;
    }

    String text() {
      return sql;
    }

    /** Back to the connection, without its arguments and with no row under it. */
    @Override
    public void close() throws SQLException {
      if (home.isClosed() || isClosed()) {
        super.close();
        return;
      }
      rs.close();
      clearParameters();
      home.keep(this);
    }

    void discard() throws SQLException {
      super.close();
    }
  }
}
