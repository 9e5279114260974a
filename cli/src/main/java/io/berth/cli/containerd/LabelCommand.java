package io.berth.cli.containerd;

import com.google.protobuf.FieldMask;
import io.berth.base.text.Variables;
import io.berth.cli.command.SessionCommand;
import io.berth.cli.session.Session;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Parameters;

/** Sets labels of one thing, which the first word of the line names, and leaves its others. */
abstract class LabelCommand extends SessionCommand {
  @Parameters(index = "1..*", arity = "1..*", paramLabel = "KEY=VALUE", description = "Label")
  List<String> labels = new ArrayList<>();

  /**
   * Has the service set the labels.
   *
   * @param changes an empty value removes the label
   * @param mask the update's mask, which names these labels and nothing else
   */
  abstract void update(Session session, Map<String, String> changes, FieldMask mask);

  @Override
  public final int run(Session session) {
    Map<String, String> changes = Variables.pairs("label", labels);
    FieldMask.Builder mask = FieldMask.newBuilder();
    changes.keySet().forEach(key -> mask.addPaths("labels." + key));
    update(session, changes, mask.build());
    return 0;
  }
}
