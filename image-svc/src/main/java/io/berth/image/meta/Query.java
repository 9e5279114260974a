package io.berth.image.meta;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reading from one consistent state of the database. */
public sealed class Query permits Transaction {
  final Connection connection;

  Query(Connection connection) {
    this.connection = connection;
  }

  /** Makes a value of a row. */
  public interface Reader<T> {
    T read(Row row) throws SQLException;
  }

  /** All rows. Arguments are texts, whole numbers, byte arrays, or null. */
  public <T> List<T> all(String sql, Reader<T> reader, @Nullable Object... arguments)
      throws SQLException {
    try (PreparedStatement statement = statement(sql, arguments);
        ResultSet rows = statement.executeQuery()) {
      List<T> result = new ArrayList<>();
      Row row = new Row(rows);
      while (rows.next()) {
        result.add(reader.read(row));
      }
      return result;
    }
  }

  /** The first row, or null. */
  public <T> @Nullable T first(String sql, Reader<T> reader, @Nullable Object... arguments)
      throws SQLException {
    try (PreparedStatement statement = statement(sql, arguments);
        ResultSet rows = statement.executeQuery()) {
      return rows.next() ? reader.read(new Row(rows)) : null;
    }
  }

  /** Whether there is a row. */
  public boolean exists(String sql, @Nullable Object... arguments) throws SQLException {
    return first(sql, row -> true, arguments) != null;
  }

  PreparedStatement statement(String sql, @Nullable Object... arguments) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    try {
      for (int i = 0; i < arguments.length; i++) {
        statement.setObject(i + 1, arguments[i]);
      }
      return statement;
    } catch (SQLException e) {
      statement.close();
      throw e;
    }
  }
}
