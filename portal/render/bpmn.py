def bpmn(flow_class):
    return ""
