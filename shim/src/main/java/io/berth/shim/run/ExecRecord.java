package io.berth.shim.run;

import com.fasterxml.jackson.databind.JsonNode;
import io.berth.base.io.AtomicFile;
import io.berth.base.json.Json;
import io.berth.base.layout.Stdio;
import io.berth.base.layout.TaskFolder;
import io.berth.oci.runtime.ProcessSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * {@code exec/ID.json}: a process that was added to a task, started or not.
 *
 * @param process its specification as the client sent it
 */
public record ExecRecord(String id, Stdio stdio, JsonNode process) {
  /** The specification, read. */
  ProcessSpec spec() {
    return ProcessSpec.read(Json.bytes(process), "process of exec `" + id + "`");
  }

  void write(TaskFolder folder) throws IOException {
    Files.createDirectories(folder.execs());
    AtomicFile.write(folder.exec(id), Json.bytes(this), "rw-------");
  }

  static ExecRecord read(Path file) throws IOException {
    return Json.read(Files.readAllBytes(file), ExecRecord.class, file.toString());
  }
}
